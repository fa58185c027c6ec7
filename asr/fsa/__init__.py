"""Lexicon and decoding graphs, each step a file.

``lexicon`` (L), ``grammar`` (G), ``token_graph`` (L o G), ``ctc_graph`` (H o L o G), and
``graph``, which builds, writes and reads them.
"""
