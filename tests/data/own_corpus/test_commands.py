"""Commands in wav.scp: most are not run, some are, none by a shell."""

import io
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile

from asr.data.own_corpus.commands import split_commands
from asr.data.own_corpus.direct import Direct, direct
from asr.errors import RecipeError
from tests.data.own_corpus.sets import as_folder, as_kaldi, details, read, texts
from tests.data.sounds import noise, write_sound
from tests.utils.shell import script


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("/x/sph2pipe -f wav -p 'a b.sph' |", Direct("a b.sph", None)),
        ("sph2pipe -f wav -p -c 2 a.sph |", Direct("a.sph", 1)),
        ("flac -c -d -s a.flac |", Direct("a.flac", None)),
        ("flac -dcs a.flac|", Direct("a.flac", None)),
        ("cat a.wav |", Direct("a.wav", None)),
        ("cat take#1.wav |", Direct("take#1.wav", None)),
        ("sox a.mp3 -t wav -r 16k -b 16 -e signed - |", Direct("a.mp3", None)),
        ("sox a.mp3 -t wav - rate 16000 |", Direct("a.mp3", None)),
        ("ffmpeg -i a.ogg -f wav -ar 16000 -ac 1 - |", Direct("a.ogg", None)),
        # What changes the sound has to be run.
        ("sph2pipe -f wav -t 1:2 a.sph |", None),
        ("sox a.wav -r 8000 -t wav - |", None),
        ("sox -t raw -r 16000 a.wav -t wav - |", None),
        ("sox a.wav -t wav - speed 0.9 |", None),
        ("sox a.wav -t wav - remix 1 |", None),
        ("ffmpeg -ss 3 -i a.ogg -f wav - |", None),
        ("gunzip -c a.wav.gz |", None),
        ("cat a.wav | sox -t wav - -t wav - speed 0.9 |", None),
    ],
)
def test_what_only_decodes_is_read_directly(line: str, expected: Direct | None) -> None:
    assert direct(split_commands(line, "here"), 16000) == expected


@pytest.mark.parametrize(
    "line",
    [
        "rm -rf x |",
        "cat a.wav; rm x |",
        "cat a.wav > b |",
        "cat $(rm x) |",
        "cat `rm x` |",
        'cat "$HOME/a.wav" |',
        "sox '|rm x' -t wav - |",
        "cat a.wav | bash |",
        "cat 'a |",
        "cat a && rm x |",
        "| |",
    ],
)
def test_nothing_else_is_run(line: str) -> None:
    with pytest.raises(RecipeError, match=r"^wav.scp, u: the command .* is not run"):
        split_commands(line, "wav.scp, u")


def test_direct_reading_takes_the_channel(tmp_path: Path) -> None:
    root = tmp_path / "d"
    as_folder(root / "dev", {"dev.wav": "dev"})
    write_sound(root / "a.sph", 0.5, channels=2)
    wavs = "a-1 sph2pipe -f wav -c 1 a.sph |\na-2 sph2pipe -f wav -c 2 a.sph |\n"
    as_kaldi(root / "train", wav_scp=wavs, text="a-1 one\na-2 two\n")
    recordings, supervisions = read(root)["train"]
    assert {s.id: s.channel for s in supervisions} == {"a-1": 0, "a-2": 1}
    assert {str(r.sources[0].source) for r in recordings} == {str(root / "a.sph")}


def test_commands_are_run_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stream whose header promises what a program that writes to a pipe must."""
    root = tmp_path / "d"
    as_folder(root / "dev", {"dev.wav": "dev"})
    stream = io.BytesIO()
    soundfile.write(stream, noise(0.5, 8000), 8000, format="WAV", subtype="PCM_16")
    content = bytearray(stream.getvalue())
    at = content.index(b"data") + 4
    content[at : at + 4] = b"\xff\xff\xff\xff"
    (root / "train").mkdir(parents=True)
    (root / "train/a.raw").write_bytes(bytes(content))
    log = tmp_path / "runs"
    script(tmp_path / "bin/sox", f'echo run >> {log}; exec cat "$2"')
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    wavs = "a cat a.raw | /elsewhere/sox -x a.raw speed 2 |\n"
    as_kaldi(root / "train", wav_scp=wavs, text="a one\n")
    for _ in range(2):
        (recording,) = read(root)["train"][0]
    assert recording.sampling_rate == 8000 and recording.num_samples == 4000
    flac = Path(recording.sources[0].source)
    assert flac.is_relative_to(tmp_path / "work/train") and flac.suffix == ".flac"
    samples, _ = soundfile.read(str(flac), dtype="float32")
    assert np.abs(samples - noise(0.5, 8000)).max() < 1e-4
    assert log.read_text() == "run\n"


def test_programs_that_fail_or_are_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "d"
    as_folder(root / "dev", {"dev.wav": "dev"})
    script(tmp_path / "bin/sox", "echo 'sox FAIL: no such effect' >&2; exit 2")
    (root / "train").mkdir(parents=True)
    (root / "train/b.sph").write_bytes(b"compressed as only sph2pipe knows")
    monkeypatch.setattr(
        shutil,
        "which",
        lambda name: {"sox": str(tmp_path / "bin/sox"), "cat": "/bin/cat"}.get(name),
    )
    wavs = "a sox a.wav -t wav - flange |\nb sph2pipe -f wav b.sph |\nc cat b.sph x |\n"
    as_kaldi(root / "train", wav_scp=wavs, text="a one\nb two\nc three\n")
    found = read(root)["train"]
    assert texts(found) == {}
    said = details(found)
    assert "sox a.wav -t wav - flange: sox FAIL: no such effect" in said
    assert "sph2pipe: needs this program, which is not in PATH" in said
    assert "cat: x: No such file" in said


def test_a_program_of_the_corpus_is_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "d"
    as_folder(root / "dev", {"dev.wav": "dev"})
    program = script(root / "train/sox", f"touch {tmp_path / 'was run'}")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.chdir(root / "train")
    wavs = f"a {program} a.wav speed 2 |\nb ./sox b.wav speed 2 |\n"
    as_kaldi(root / "train", wav_scp=wavs, text="a one\nb two\n")
    assert "which is not in PATH" in details(read(root)["train"])
    assert not (tmp_path / "was run").exists()


@pytest.mark.parametrize("killed", ["first", "first, later", "last"])
def test_what_a_killed_program_gave_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, killed: str
) -> None:
    """As by a machine whose memory is full."""
    root = tmp_path / "d"
    as_folder(root / "dev", {"dev.wav": "dev"})
    write_sound(root / "a.wav")
    # Dead only when the last one has all that it gets, and has ended.
    late = "exec 1>&-; sleep 0.3; " if "later" in killed else ""
    die = f"{late}kill -9 $$"
    first, last = (die, "") if "first" in killed else ("", die)
    script(tmp_path / "bin/flac", f"cat {root / 'a.wav'}; {first}")
    script(tmp_path / "bin/sox", f"cat; {last}")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    as_kaldi(root / "train", wav_scp="a flac -x | sox -x |\n", text="a one\n")
    found = read(root)["train"]
    assert texts(found) == {} and "flac -x | sox -x: exit codes" in details(found)


def test_a_program_may_read_no_more_than_it_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "d"
    as_folder(root / "dev", {"dev.wav": "dev"})
    write_sound(root / "a.wav")
    script(tmp_path / "bin/flac", "exec cat /dev/zero")
    script(tmp_path / "bin/sox", f"head -c 9 > /dev/null; exec cat {root / 'a.wav'}")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    as_kaldi(root / "train", wav_scp="a flac -x | sox -x |\n", text="a one\n")
    assert texts(read(root)["train"]) == {"a": "one"}
