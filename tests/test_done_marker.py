"""What has changed, in a few words."""

from asr.done_marker import changes


def test_changed_files_are_counted_and_named() -> None:
    old = {"test_dir": [["/my/a.wav", 10, 1], ["/my/b.wav", 10, 1], ["/my/c", 1, 1]]}
    new = {"test_dir": [["/my/a.wav", 10, 2], ["/my/d.wav", 5, 1], ["/my/e.wav", 5, 1]]}
    assert changes(old, new) == (
        "test_dir changed (2 new: d.wav ..., 2 gone: b.wav ..., 1 other content: a.wav)"
    )
    assert changes({}, {"test_dir": new["test_dir"]}) == (
        "test_dir changed (3 new: a.wav ...)"
    )
    assert changes({"decoders": []}, {"decoders": ["hlg"]}) == (
        "decoders changed from [] to ['hlg']"
    )
    assert changes(old, old) == ""


def test_a_key_that_was_not_there_yet_counts_as_what_changes_nothing() -> None:
    old = {"fbank.dtype": "float16"}
    assert changes(old, {**old, "fbank.speeds": [1.0], "fbank.level": None}) == ""
    changed = "fbank.level changed from None to -24.0"
    assert changes(old, {**old, "fbank.level": -24.0}) == changed
