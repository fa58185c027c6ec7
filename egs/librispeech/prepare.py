"""Official LibriSpeech layout, read with lhotse's recipe."""

from asr.data.librispeech import download as download
from asr.data.librispeech import manifests as manifests
