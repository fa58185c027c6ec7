"""Audio that libsndfile cannot read (m4a and others), through the program ffmpeg."""

import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

SUFFIXES = (".m4a", ".aac", ".mp4", ".wma", ".amr", ".3gp", ".webm", ".mka", ".mov")
ADDRESS = r"^\[[^]]* @ 0x[0-9a-f]+\] "  # of ffmpeg's own parts
NO_FFMPEG = (
    "needs the program ffmpeg, which is not there; install it, or convert the "
    "file to wav, flac or mp3"
)


class FfmpegError(Exception):
    """What ffmpeg says of a file, in one line."""


def find_ffmpeg() -> str | None:
    """The program in PATH."""
    return shutil.which("ffmpeg")


def decode_blocks(
    path: Path, sample_rate: int, block: int
) -> Iterator[NDArray[np.float32]]:
    """Yield (block, channels) samples at ``sample_rate``, the last ones fewer.

    Raises:
        FfmpegError: ffmpeg is not there, or cannot read the file to its end.
    """
    program = find_ffmpeg()
    if program is None:
        raise FfmpegError(NO_FFMPEG)
    command = [program, "-nostdin", "-v", "error", "-xerror", "-i", f"file:{path}"]
    command += ["-map", "0:a:0", "-ar", str(sample_rate), "-c:a", "pcm_f32be"]
    with tempfile.TemporaryFile("w+", errors="replace") as log:
        process = subprocess.Popen(
            [*command, "-f", "au", "-"], stdout=subprocess.PIPE, stderr=log
        )
        try:
            assert process.stdout is not None
            yield from _samples(process.stdout, block)
            code = process.wait()
        finally:
            process.kill()
            process.wait()
            if process.stdout is not None:
                process.stdout.close()
        log.seek(0)
        said = [line.strip() for line in log if line.strip()]
    if code or said:
        last = said[-1] if said else f"exit code {code}"
        raise FfmpegError(f"ffmpeg: {re.sub(ADDRESS, '', last)}")


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
