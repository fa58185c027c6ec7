"""Files as they come: all of what is said is decoded, whatever their header or name."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from asr.data.audio import AudioError, audio_size, check_audio, read_audio
from asr.data.audio_blocks import read_blocks
from asr.data.sound_file import look_at
from tests.data.sounds import by_ffmpeg
from tests.data.strange_files import (
    BY_FFMPEG,
    BY_PARTS,
    IN_PLACE,
    ONE,
    REFUSED,
    TOGETHER,
    TWO,
    Make,
    Wave,
    likeness,
)

FRAME = 0.08  # seconds, at least the longest of MP3; codecs add at most two of them
LEAST = {"amr called wav": 0.5, "speex": 0.8}  # likeness; of the others 0.93
ROWS = [
    pytest.param(make, waves, LEAST.get(name, 0.93), id=f"{kind}: {name}")
    for kind, rows, waves in (
        ("in place", IN_PLACE, (ONE,)),
        ("parts", BY_PARTS, (ONE,)),
        ("joined", TOGETHER, (ONE, TWO)),
        ("ffmpeg", BY_FFMPEG, (ONE,)),
    )
    for name, make in rows.items()
]


@pytest.mark.parametrize(("make", "waves", "least"), ROWS)
def test_all_that_is_said_is_decoded(
    tmp_path: Path, make: Make, waves: tuple[Wave, ...], least: float
) -> None:
    path = make(tmp_path)
    assert check_audio(path) is None
    samples = read_audio(path, 16000)
    seconds = (len(samples) - sum(map(len, waves))) / 16000
    assert -FRAME <= seconds < 2 * FRAME * len(waves)
    like, begins = zip(*(likeness(wave, samples) for wave in waves), strict=True)
    assert min(like) > least
    assert list(begins) == sorted(begins)
    blocks = np.concatenate(list(read_blocks(path, 16000, 1)))
    assert len(blocks) == len(samples) and np.abs(blocks - samples).max() < 1e-5
    length, rate = audio_size(path)
    assert -(-length * 16000 // rate) == len(samples)


@pytest.mark.parametrize("name", IN_PLACE)
def test_in_place_is_as_long_as_another_decoder_says(tmp_path: Path, name: str) -> None:
    """And libsndfile, through lhotse, reads all of it by the file's name."""
    path = IN_PLACE[name](tmp_path)
    sound = look_at(path)
    assert sound.in_place
    frame = 1152 if sound.mpeg and ("short" in name or "lost" in name) else 0
    there = len(by_ffmpeg(path, sound.rate))
    assert there - frame <= sound.frames <= there or "junk" in name
    assert len(soundfile.read(str(path))[0]) == sound.frames


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_broken_is_refused_in_a_line(
    tmp_path: Path, name: str, capfd: pytest.CaptureFixture[str]
) -> None:
    words, make = REFUSED[name]
    path = make(tmp_path)
    said = check_audio(path) or ""
    assert words in said and "\n" not in said
    for read in (
        lambda: read_audio(path, 16000),
        lambda: list(read_blocks(path, 16000, 9)),
    ):
        with pytest.raises(AudioError) as caught:
            read()
        assert str(caught.value) == f"{path}: {said}"
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("left", [0.3, 0.5, 0.9])
def test_an_mp3_that_promises_nothing_is_what_is_there(
    tmp_path: Path, left: float
) -> None:
    path = IN_PLACE["32000 pipe"](tmp_path)
    content = path.read_bytes()
    path.write_bytes(content[: round(left * len(content))])
    whole = len(by_ffmpeg(path, 32000)) // 1152  # it decodes the last one, cut or not
    assert look_at(path).frames in (whole * 1152, (whole - 1) * 1152)


def test_damaged_frames_leave_the_others(tmp_path: Path) -> None:
    path = IN_PLACE["32000 bare"](tmp_path)
    content = bytearray(path.read_bytes())
    content[2000:2300] = b"\xff" * 300
    path.write_bytes(content)
    samples = read_audio(path, 16000)
    assert 0 < len(ONE) - len(samples) < 4 * 576
    assert likeness(ONE[8000:], samples)[0] > 0.99
