"""Corpora, manifests, features and batches."""
