"""Audio files as other people have them, made by ffmpeg, and what is said in them."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray
from scipy.signal import correlate

from asr.data.ffmpeg import find_ffmpeg
from tests.data.sounds import encode, voice

Wave = NDArray[np.float32]
ONE, TWO = voice(1.0), voice(0.8, pitch=190)  # at 16 kHz
BARE = ("-write_xing", "0", "-id3v2_version", "0")
TAG = ("-metadata", "title=x")
ID3V1 = b"TAG" + bytes(125)
APE = b"APETAGEX\xd0\x07\0\0\x2a\0\0\0\x01\0\0\0\0\0\0\x80" + bytes(8)
HTML = b"<!DOCTYPE html><html><head><title>404</title></head></html>\n"


def joined(folder: Path, suffix: str, *options: tuple[str, ...]) -> Path:
    """ONE and TWO in files of their own, put together byte by byte."""
    path = folder / f"a{suffix}"
    parts = [
        encode(wave, folder / f"part{n}{suffix}", *given).read_bytes()
        for n, (wave, given) in enumerate(zip((ONE, TWO), options, strict=True))
    ]
    path.write_bytes(b"".join(parts))
    for n in range(2):
        (folder / f"part{n}{suffix}").unlink()
    return path


def one(suffix: str, *options: str) -> Callable[[Path], Path]:
    """ONE in the format of a suffix."""
    return lambda folder: encode(ONE, folder / f"a{suffix}", *options)


def called(suffix: str, make: Callable[[Path], Path]) -> Callable[[Path], Path]:
    """The same file by another suffix."""

    def rename(folder: Path) -> Path:
        path = make(folder)
        return path.rename(path.with_suffix(suffix))

    return rename


def ending(
    tail: bytes, make: Callable[[Path], Path], cut: int = 0
) -> Callable[[Path], Path]:
    """The same file with its last bytes cut and others behind."""

    def change(folder: Path) -> Path:
        path = make(folder)
        content = path.read_bytes()
        path.write_bytes(content[: len(content) - cut] + tail)
        return path

    return change


def wav(size: int) -> Callable[[Path], Path]:
    """ONE as WAV whose header promises so many bytes."""

    def make(folder: Path) -> Path:
        path = folder / "a.wav"
        soundfile.write(str(path), ONE, 16000)
        content = path.read_bytes()
        path.write_bytes(content[:40] + size.to_bytes(4, "little") + content[44:])
        return path

    return make


def video(suffix: str, *options: str) -> Callable[[Path], Path]:
    """ONE beside pictures."""

    def make(folder: Path) -> Path:
        sound = encode(ONE, folder / "sound.wav")
        command = [str(find_ffmpeg()), "-v", "error", "-f", "lavfi", "-i"]
        command += ["testsrc=d=1:s=64x64:r=5", "-i", str(sound), *options]
        subprocess.run([*command, str(folder / f"a{suffix}")], check=True)
        sound.unlink()
        return folder / f"a{suffix}"

    return make


Make = Callable[[Path], Path]
CBR = one(".mp3", "-ar", "32000", "-b:a", "64k", *BARE)
LAME = one(".mp3", "-ar", "48000", "-b:a", "64k", *TAG)
# What libsndfile, and lhotse, read where they lie: Common Voice and its like.
IN_PLACE: dict[str, Make] = {
    f"{rate} {name}": one(".mp3", "-ar", str(rate), *options)
    for rate in (48000, 44100, 32000, 24000, 22050, 16000, 8000)
    for name, options in {
        "bare": ("-b:a", "48k", *BARE),
        "pipe": ("-b:a", "48k", "-f", "mp3", "-"),
        "lame": ("-b:a", "48k", *TAG),
    }.items()
} | {
    "ABR, joint stereo": one(".mp3", "-ac", "2", "-abr", "1", "-b:a", "64k", *BARE),
    "VBR, LAME": one(".mp3", "-q:a", "5"),
    "layer II": one(".mp2", "-b:a", "64k"),
    "both tags": one(
        ".mp3", "-b:a", "48k", *TAG, "-write_xing", "0", "-write_id3v1", "1"
    ),
    "APE tag": ending(APE, CBR),
    "zeros behind": ending(bytes(900), CBR),
    "junk behind, LAME": ending(b"\x01\xff\xfb" * 999, LAME),
    "last frame short": ending(b"", CBR, cut=7),
    "last frame short, LAME": ending(b"", LAME, cut=7),
    "last frame lost, LAME": ending(b"", LAME, cut=192),
    "called wav": called(".wav", CBR),
    "called flac": called(".flac", LAME),
    "wav called mp3": called(".mp3", wav(32000)),
    "flac called mp3": called(".mp3", one(".flac")),
    "ogg called mp3": called(".mp3", one(".ogg", "-c:a", "libvorbis")),
    "wav from a pipe": wav(0xFFFFFFFF),
}
# What has to be read part by part, or with another header.
BY_PARTS: dict[str, Make] = {
    "VBR without header": one(".mp3", "-ar", "48000", "-q:a", "5", *BARE),
    "VBR, pipe": one(".mp3", "-ar", "16000", "-q:a", "7", "-f", "mp3", "-"),
    "much junk behind": ending(b"\x01\xff\xfb" * 2000, CBR),
    "begins in mid frame": ending(b"", lambda f: _behead(CBR(f), 100)),
    "last frame short, tag": ending(ID3V1, CBR, cut=7),
    "wav of size 0": wav(0),
    "wav of stale size": wav(9000),
    "mp3 in wav": one(".wav", "-c:a", "libmp3lame"),
    "rf64, pipe": one(".wav", "-rf64", "always", "-f", "wav", "-"),
    "caf, pipe": one(".caf", "-c:a", "pcm_s16be", "-f", "caf", "-"),
}
TOGETHER: dict[str, Make] = {
    "mp3, bare": lambda f: joined(
        f, ".mp3", ("-ar", "32000", *BARE), ("-ar", "24000", *BARE)
    ),
    "mp3, LAME": lambda f: joined(f, ".mp3", TAG, TAG),
    "mp3, LAME and bare": lambda f: joined(f, ".mp3", TAG, BARE),
    "mp3, tags between": lambda f: joined(
        f,
        ".mp3",
        ("-write_xing", "0", "-write_id3v1", "1", *TAG),
        ("-write_xing", "0", *TAG),
    ),
    "mp3, mono and stereo": lambda f: joined(f, ".mp3", BARE, ("-ac", "2", *BARE)),
    "mp3, the first cut": lambda f: _without(joined(f, ".mp3", BARE, TAG), 3000, 50),
    "vorbis": lambda f: joined(f, ".ogg", *(2 * [("-c:a", "libvorbis")])),
    "vorbis, two rates": lambda f: joined(
        f, ".ogg", ("-c:a", "libvorbis", "-ar", "44100"), ("-c:a", "libvorbis")
    ),
    "opus": lambda f: joined(f, ".opus", (), ()),
    "vorbis and opus": lambda f: joined(
        f, ".ogg", ("-c:a", "libvorbis"), ("-c:a", "libopus")
    ),
    "flac in ogg": lambda f: joined(f, ".oga", ("-c:a", "flac"), ("-c:a", "flac")),
    "mp2": lambda f: joined(f, ".mp2", ("-ac", "1"), ("-ac", "2")),
    "aac": lambda f: joined(f, ".aac", (), ()),
}
# What only ffmpeg reads.
BY_FFMPEG: dict[str, Make] = {
    "m4a": one(".m4a"),
    "m4a called mp3": called(".mp3", one(".m4a")),
    "m4a called wav": called(".wav", one(".m4a")),
    "webm": one(".webm"),
    "webm called ogg": called(".ogg", one(".webm")),
    "aac called mp3": called(".mp3", one(".aac")),
    "aac with a tag": ending(ID3V1, one(".aac")),
    "amr called wav": called(".wav", one(".amr", "-ar", "8000", "-b:a", "12.2k")),
    "wma": one(".wma", "-b:a", "64k"),
    "3gp": one(".3gp", "-c:a", "aac"),
    "mka": one(".mka"),
    "speex": one(".ogg", "-c:a", "libspeex"),
    "flac in ogg": one(".oga", "-c:a", "flac"),
    "flac, pipe": one(".flac", "-f", "flac", "-"),
    "mp4 with pictures": video(".mp4"),
    "avi with mp3": video(".avi", "-c:a", "libmp3lame"),
    "transport stream": video(".ts"),
}
REFUSED: dict[str, tuple[str, Make]] = {
    "half an mp3 with LAME's header": ("cut short: ", ending(b"", LAME, cut=4000)),
    "the same, called wav": (
        "cut short: ",
        called(".wav", ending(b"", LAME, cut=4000)),
    ),
    "ogg without its end": (
        "cut short: its last page",
        ending(b"", one(".ogg", "-c:a", "libvorbis"), cut=900),
    ),
    "half a wav": ("cut short: 64000 bytes", wav(64000)),
    "half an m4a": ("ffmpeg: moov atom not found", ending(b"", one(".m4a"), cut=5000)),
    "half a webm": ("damaged or cut short", ending(b"", one(".webm"), cut=3000)),
    "a web page": ("a web page", lambda f: _write(f / "a.mp3", HTML * 9)),
    "text": ("but text", lambda f: _write(f / "a.wav", b"not found\n" * 99)),
    "zeros": ("not audio that can be read", lambda f: _write(f / "a.mp3", bytes(9999))),
    "no sound": (
        "holds no sound",
        lambda f: _silent_film(f / "a.mp4"),
    ),
}


def _write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def _behead(path: Path, count: int) -> Path:
    return _write(path, path.read_bytes()[count:])


def _without(path: Path, place: int, count: int) -> Path:
    content = path.read_bytes()
    return _write(path, content[:place] + content[place + count :])


def _silent_film(path: Path) -> Path:
    command = [str(find_ffmpeg()), "-v", "error", "-f", "lavfi", "-i"]
    command += ["testsrc=d=1:s=64x64:r=5", str(path)]
    subprocess.run(command, check=True)
    return path


def likeness(wave: Wave, samples: Wave) -> tuple[float, float]:
    """The best normalised correlation of a wave in a longer signal, and its second."""
    padded = np.pad(samples.astype(np.float64), len(wave) // 8)
    both = correlate(padded, wave.astype(np.float64), "valid")
    sums = np.cumsum(np.concatenate([[0.0], padded**2]))
    power = (sums[len(wave) :] - sums[: -len(wave)]) * np.sum(
        wave.astype(np.float64) ** 2
    )
    found = both / np.sqrt(np.maximum(power, 1e-9))
    best = int(found.argmax())
    return float(found[best]), (best - len(wave) // 8) / 16000
