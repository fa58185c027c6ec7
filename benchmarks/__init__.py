"""Speed beside what others use, run by hand: ``python -m benchmarks.<name>``."""
