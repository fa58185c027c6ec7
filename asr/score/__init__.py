"""Alignment, error counts and reports."""
