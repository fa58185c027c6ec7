"""Entry points, one file a stage: Config and Paths in, one library call out."""
