"""Finite-state lexicon and decoding graphs (k2)."""
