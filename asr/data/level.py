"""One level for all samples, so that a quiet recording is heard as a loud one is.

The models take the mean out of every bin, so a level alone would not matter to them. But
the filter bank has a floor (``asr.data.log_mel.FLOOR``), which quiet speech falls below.
"""

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]

FRAME = 0.025  # seconds
CLICKS = 4  # frames that may be louder than what counts as the loudest: 0.1 s
GATE = 0.01  # of the loudest power (-20 dB): what is below is a pause
NOTHING = 2.0**-15  # a step of 16 bits (-90 dB): silence has been rounded to that


def to_level(samples: Samples, sample_rate: int, level: float | None) -> Samples:
    """Scale so that the speech in (num_samples,) has ``level``, in dB of full scale.

    The result does not depend on how loud the samples are, but for their rounding.
    What has no sound to measure is returned as it is, and so is all for None.
    """
    if level is None:
        return samples
    active = active_level(samples, sample_rate)
    if not active > NOTHING:
        return samples
    return samples * np.float32(10 ** (level / 20) / active)


def active_level(samples: Samples, sample_rate: int) -> float:
    """Root mean square of the frames within 20 dB of the loudest, the pauses left out.

    A frame's mean is taken out, as the filter bank does. So that clicks do not decide,
    the loudest power is that which only 0.1 s exceed, and those count with it.
    """
    size = max(1, min(round(FRAME * sample_rate), len(samples)))
    frames = samples[: len(samples) // size * size].reshape(-1, size)
    if not len(frames):
        return 0.0
    squares = np.einsum("ij,ij->i", frames, frames, dtype=np.float64, casting="safe")
    power = squares / size - frames.mean(axis=1, dtype=np.float64) ** 2
    power = np.sort(power.clip(min=0.0))[::-1]
    loudest = power[min(CLICKS, (len(power) - 1) // 2)]
    active = power[power >= GATE * loudest]
    return float(np.sqrt(np.minimum(active, loudest).mean()))
