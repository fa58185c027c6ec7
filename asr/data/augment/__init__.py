"""Augmentation: of waveforms before stage 2, of features in training."""
