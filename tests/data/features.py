"""What the tests of features share: settings, seven short texts, Kaldi's features."""

import kaldi_native_fbank as knf
import numpy as np
from numpy.typing import NDArray

from asr.data.fbank import FbankSettings

SETTINGS = FbankSettings(16000, 80, "float32", (1.0,), shard_minutes=2.5 / 60)


TEXTS = {f"a-{i}": "x" for i in range(7)}  # of 1.0, 1.3 and 0.7 s: four shards


def kaldi(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """kaldi-native-fbank, an implementation of its own in C++."""
    options = knf.FbankOptions()
    options.frame_opts.samp_freq = 16000
    options.frame_opts.dither = 0
    options.frame_opts.snip_edges = False
    options.frame_opts.window_type = "povey"
    options.mel_opts.num_bins = 80
    options.mel_opts.low_freq = 20
    options.mel_opts.high_freq = -400
    online = knf.OnlineFbank(options)
    online.accept_waveform(16000, samples.tolist())
    online.input_finished()
    return np.stack([online.get_frame(i) for i in range(online.num_frames_ready)])
