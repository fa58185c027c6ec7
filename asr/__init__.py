"""A staged speech-recognition recipe: audio in, hypotheses and error counts out."""

__version__ = "0.1.0"
