"""Sets of one's own below --download-dir, read where they lie; see docs/own_corpus.md."""

from asr.data.own_corpus.corpus import download as download
from asr.data.own_corpus.corpus import manifests as manifests
