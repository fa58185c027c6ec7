"""A corpus of one's own, in place: folders of audio, Kaldi's tables, lhotse's manifests."""
