"""Acoustic models: (features, lengths) -> (log_probs, lengths)."""
