"""Every file of a user gets an id of its own."""

import os
from pathlib import PurePath

from asr.data.user_names import name_files


def ids(*names: str) -> dict[str, str]:
    return {
        str(path): name.id for path, name in name_files([*map(PurePath, names)]).items()
    }


def test_a_file_is_called_as_it_is_called() -> None:
    found = name_files([PurePath("my  own.v2.wav"), PurePath("sub/day/b.flac")])
    assert [(n.id, n.file) for n in found.values()] == [
        ("my_own.v2", "my  own.v2"),
        ("b", "b"),
    ]


def test_folders_then_suffixes_tell_equal_names_apart() -> None:
    assert ids("a.wav", "a.flac", "c.wav") == {
        "a.wav": "a.wav",
        "a.flac": "a.flac",
        "c.wav": "c",
    }
    assert ids("x/a.wav", "y/a.wav") == {"x/a.wav": "x_a", "y/a.wav": "y_a"}
    assert ids("x/a.wav", "x/a.mp3", "b.wav") == {
        "x/a.wav": "x_a.wav",
        "x/a.mp3": "x_a.mp3",
        "b.wav": "b",
    }


def test_whatever_the_names_are_the_ids_differ_and_have_no_space() -> None:
    names = ["a b.wav", "a_b.wav", "x/a b.wav", "x_a b.wav", "x/a_b.wav", "x a b.wav"]
    names += ["a\u00e9.wav", "ae\u0301.wav", "a\u0301e.flac", "\u2028.wav", " .wav"]
    names += [os.fsdecode(b"\xff.wav"), "\\xff.wav", "l" * 250 + ".wav"]
    names += [f"{'d' * 100}/{'e' * 100}/{'f' * 100}.{kind}" for kind in ("wav", "mp3")]
    found = name_files([*map(PurePath, names)])
    assert len(found) == len(names)
    assert len({name.id for name in found.values()}) == len(names)
    for name in found.values():
        assert len(name.id.split()) == 1 and name.id.encode()
        assert len(os.fsencode(name.file)) < 250
        assert len(os.fsencode(name.file).split(b"/")) == 1
    shuffled = name_files([*map(PurePath, reversed(names))])
    assert shuffled == found
