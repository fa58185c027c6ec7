"""Audio that libsndfile cannot read (m4a, webm and others), through the program ffmpeg."""

import functools
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from asr.data.containers import NOT_AUDIO
from asr.data.mp3 import Part

ADDRESS = r"^(\[[^]]* @ 0x[0-9a-f]+\] )+"  # of ffmpeg's own parts
# Of time stamps, which are not used: samples are taken in the order they come in.
HARMLESS = "non monotonically increasing dts"
SPEEX = b"Speex   "  # in the first page of an Ogg file
NO_SOUND = "matches no streams"
NO_FFMPEG = (
    "needs the program ffmpeg, which is not there; install it, or convert the "
    "file to wav, flac or mp3"
)


class FfmpegError(Exception):
    """What ffmpeg says of a file, in one line."""


@functools.cache
def find_ffmpeg() -> str | None:
    """The program of imageio-ffmpeg, the same on all machines, or else one in PATH."""
    try:
        import imageio_ffmpeg

        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except (ImportError, RuntimeError):
        return shutil.which("ffmpeg")


def decode_blocks(
    path: Path, sample_rate: int, block: int, part: Part | None = None
) -> Iterator[NDArray[np.float32]]:
    """Yield (block, channels) samples at ``sample_rate``, the last ones fewer.

    Args:
        part: bytes of the file; None: all.

    Raises:
        FfmpegError: ffmpeg is not there, or cannot read the file to its end.
    """
    program = find_ffmpeg()
    if program is None:
        raise FfmpegError(NO_FFMPEG)
    source = f"file:{path}"
    if part is not None:
        source = f"subfile,,start,{part.start},end,{part.end},,:{source}"
    # ffmpeg 7's own decoder of Speex gives twice the samples there are.
    with open(path, "rb") as file:
        speex = ["-c:a", "libspeex"] if SPEEX in file.read(64) else []
    # A playlist may name other files, but nothing is fetched from anywhere.
    command = [program, "-nostdin", "-v", "error", "-xerror"]
    command += ["-protocol_whitelist", "file,subfile", *speex, "-i", source]
    command += ["-map", "0:a:0", "-ar", str(sample_rate), "-c:a", "pcm_f32be"]
    # A static ffmpeg dies of the system's tables of letters, which it needs for names.
    environment = {**os.environ, "GCONV_PATH": os.devnull}
    decoded = False
    with tempfile.TemporaryFile("w+", errors="replace") as log:
        process = subprocess.Popen(
            [*command, "-f", "au", "-"],
            stdout=subprocess.PIPE,
            stderr=log,
            env=environment,
        )
        try:
            assert process.stdout is not None
            for samples in _samples(process.stdout, block):
                decoded = True
                yield samples
            code = process.wait()
        finally:
            process.kill()
            process.wait()
            if process.stdout is not None:
                process.stdout.close()
        log.seek(0)
        said = [line.strip() for line in log if line.strip() and HARMLESS not in line]
    if code or said:
        raise FfmpegError(_problem(said[0] if said else f"exit code {code}", decoded))


def _problem(said: str, decoded: bool) -> str:
    if NO_SOUND in said:
        return "holds no sound"
    what = "is damaged or cut short" if decoded else NOT_AUDIO
    return f"{what} (ffmpeg: {re.sub(ADDRESS, '', said).rstrip('.')})"


def _samples(stream: IO[bytes], block: int) -> Iterator[NDArray[np.float32]]:
    """Samples of an AU stream: a header that ends with the number of channels."""
    header = stream.read(24)
    if len(header) < 24:
        return  # nothing was decoded; ffmpeg has said why
    begin, channels = (int.from_bytes(header[at : at + 4], "big") for at in (4, 20))
    stream.read(begin - 24)
    while data := stream.read(4 * channels * block):
        whole = len(data) // (4 * channels) * 4 * channels
        yield (
            np.frombuffer(data[:whole], ">f4").astype(np.float32).reshape(-1, channels)
        )
