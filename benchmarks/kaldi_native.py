"""kaldi-native-fbank, configured as the recipe's features are."""

import kaldi_native_fbank as knf
import numpy as np
from numpy.typing import NDArray


def kaldi_native_fbank(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the (T, 80) log-mel of (num_samples,) at 16 kHz."""
    computed = _computed(samples)
    frames = range(computed.num_frames_ready)
    return np.stack([computed.get_frame(i) for i in frames])


def without_result(samples: NDArray[np.float32]) -> None:
    """Compute only: the frames stay where Python cannot see them."""
    _computed(samples)


def _computed(samples: NDArray[np.float32]) -> knf.OnlineFbank:
    online = knf.OnlineFbank(_options())
    online.accept_waveform(16000, samples)
    online.input_finished()
    return online


def _options() -> knf.FbankOptions:
    options = knf.FbankOptions()
    options.frame_opts.samp_freq = 16000
    options.frame_opts.dither = 0
    options.frame_opts.snip_edges = False
    options.frame_opts.window_type = "povey"
    options.mel_opts.num_bins = 80
    options.mel_opts.low_freq = 20
    options.mel_opts.high_freq = -400
    return options
