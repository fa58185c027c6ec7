"""Training loop, optimisation and checkpoints."""
