"""Searches from log-probabilities to hypotheses."""
