"""Pictures as files; matplotlib is imported here only, and needs no display."""
