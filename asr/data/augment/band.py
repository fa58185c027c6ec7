"""Band limiting, and codecs that are encoded and decoded for real."""

import io

import numpy as np
import soundfile
from numpy.typing import NDArray

from asr.errors import RecipeError

Samples = NDArray[np.float32]

EDGE = 0.05  # of the cut-off: how wide the filter's slope is, below it
DELAY = 0.25  # seconds: no encoder shifts by more
BLOCK = 1 << 16  # samples written at once: libsndfile's Vorbis needs it small
# (container, subtype, kb/s at compression level 0 and 1): what libsndfile maps
# soundfile's compression level to, for 16 kHz mono; Vorbis has quality, no rate.
FORMATS = {
    "mp3": ("MP3", "MPEG_LAYER_III", 160.0, 8.0),
    "opus": ("OGG", "OPUS", 256.0, 6.0),
    "vorbis": ("OGG", "VORBIS", 80.0, 27.0),
}


def low_pass(samples: Samples, cutoff: float, sample_rate: int) -> Samples:
    """Remove everything above ``cutoff`` Hz from (num_samples,), without delay."""
    size = 1 << (len(samples) + sample_rate // 4).bit_length()
    spectrum = np.fft.rfft(samples, size)
    hertz = np.fft.rfftfreq(size, 1 / sample_rate)
    slope = np.clip((cutoff - hertz) / (EDGE * cutoff), 0.0, 1.0)
    limited = np.fft.irfft(spectrum * np.sin(np.pi / 2 * slope) ** 2, size)
    return np.asarray(limited[: len(samples)], np.float32)


def check_codec(name: str) -> None:
    """Raise RecipeError if this machine's libsndfile cannot write the codec."""
    container, subtype, _, _ = FORMATS[name]
    if subtype not in soundfile.available_subtypes(container):
        raise RecipeError(
            f"fbank.augment.codec.formats: libsndfile {soundfile.__libsndfile_version__}"
            f" cannot write {name}; leave it out"
        )


def through_codec(
    samples: Samples, name: str, kbps: float, sample_rate: int
) -> Samples:
    """Encode and decode (num_samples,); as long, and not shifted.

    Args:
        name: mp3, opus or vorbis.
        kbps: kilobits a second, as near as the codec goes.
    """
    if not len(samples):
        return samples.copy()
    container, subtype, most, least = FORMATS[name]
    level = float(np.clip((most - kbps) / (most - least), 0.0, 0.99))
    mode = {"bitrate_mode": "CONSTANT"} if name == "mp3" else {}
    content = io.BytesIO()
    with soundfile.SoundFile(
        content,
        "w",
        sample_rate,
        1,
        subtype,
        format=container,
        compression_level=level,
        **mode,
    ) as file:
        for start in range(0, len(samples), BLOCK):
            file.write(samples[start : start + BLOCK])
    content.seek(0)
    decoded, rate = soundfile.read(content, dtype="float32")
    assert rate == sample_rate
    return _aligned(decoded, samples, sample_rate)


def _aligned(decoded: Samples, original: Samples, sample_rate: int) -> Samples:
    """Take out the encoder's delay: MP3 has one where it changes the sample rate."""
    longest = round(DELAY * sample_rate)
    size = 1 << (max(len(decoded), len(original)) + longest).bit_length()
    product = np.fft.rfft(decoded, size) * np.conj(np.fft.rfft(original, size))
    delay = int(np.fft.irfft(product, size)[:longest].argmax())
    fitted = np.zeros(len(original), np.float32)
    kept = decoded[delay : delay + len(original)]
    fitted[: len(kept)] = kept
    return fitted
