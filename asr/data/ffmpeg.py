"""Audio that libsndfile cannot read (m4a and others), through the program ffmpeg."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

SUFFIXES = (".m4a", ".aac", ".mp4", ".wma", ".amr", ".3gp", ".webm", ".mka", ".mov")
NO_FFMPEG = "needs the program ffmpeg, which is not there; install it, or convert the "
NO_FFMPEG += "file to wav, flac or mp3"


class FfmpegError(Exception):
    """What ffmpeg says of a file, in one line."""


def find_ffmpeg() -> str | None:
    """The program in PATH."""
    return shutil.which("ffmpeg")


def decode_blocks(
    path: Path, sample_rate: int, block: int, channel: int | None
) -> Iterator[NDArray[np.float32]]:
    """Yield (block,) mono samples at ``sample_rate``, the last ones fewer.

    Args:
        channel: from 1 on; None: the mean of all.

    Raises:
        FfmpegError: ffmpeg is not there, or cannot read the file to its end.
    """
    program = find_ffmpeg()
    if program is None:
        raise FfmpegError(NO_FFMPEG)
    mono = ["-ac", "1"] if channel is None else ["-af", f"pan=mono|c0=c{channel - 1}"]
    command = [program, "-nostdin", "-v", "error", "-xerror", "-i", f"file:{path}"]
    command += ["-map", "0:a:0", *mono, "-ar", str(sample_rate), "-f", "f32le", "-"]
    with tempfile.TemporaryFile("w+", errors="replace") as log:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log)
        try:
            assert process.stdout is not None
            while data := process.stdout.read(4 * block):
                yield np.frombuffer(data[: len(data) // 4 * 4], "<f4").astype(
                    np.float32
                )
            code = process.wait()
        finally:
            process.kill()
            process.wait()
            if process.stdout is not None:
                process.stdout.close()
        log.seek(0)
        said = [line.strip() for line in log if line.strip()]
    if code or said:
        raise FfmpegError(f"ffmpeg: {said[-1] if said else f'exit code {code}'}")
