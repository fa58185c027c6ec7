"""Small sets in the three forms, for the tests of asr/data/own_corpus."""

from collections.abc import Mapping
from pathlib import Path

from lhotse import RecordingSet, SupervisionSet

from asr.data.corpus import Manifests
from asr.data.own_corpus.corpus import manifests
from tests.data.sounds import write_sound

HELD_OUT = {"part": 0.1, "max_hours": 2.0, "max_seconds": 30.0}


def read(folder: Path, *test_sets: str, **options: object) -> Manifests:
    """All sets below ``folder``, with the options of ``egs/mycorpus``."""
    given = {"held_out": HELD_OUT, "remove_words": [], "test_sets": test_sets}
    return manifests(folder, folder.parent / "work", {**given, **options})


def as_folder(folder: Path, files: Mapping[str, str | None]) -> Path:
    """``audio/`` and ``transcriptions/``: text by file, None for no transcript."""
    (folder / "transcriptions").mkdir(parents=True, exist_ok=True)
    for number, (name, text) in enumerate(files.items()):
        write_sound(folder / "audio" / name, 0.5, seed=number)
        if text is not None:
            path = (folder / "transcriptions" / name).with_suffix(".txt")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    return folder


def speakers(count: int, each: int) -> dict[str, str]:
    """Files of so many speakers with so many utterances."""
    return {f"s{s}/u{s}{u}.wav": f"word {u}" for s in range(count) for u in range(each)}


def as_kaldi(folder: Path, **tables: str) -> Path:
    """A Kaldi data directory with these tables (``wav_scp``, ``text``, ...)."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in tables.items():
        (folder / name.replace("_", ".")).write_text(content, encoding="utf-8")
    return folder


def texts(found: tuple[RecordingSet, SupervisionSet]) -> dict[str, str | None]:
    """Text by id, of what is not set aside."""
    return {s.id: s.text for s in found[1] if "reason" not in (s.custom or {})}


def reasons(found: tuple[RecordingSet, SupervisionSet]) -> dict[str, str]:
    """Reason by id, of what is set aside."""
    marked = [s for s in found[1] if "reason" in (s.custom or {})]
    return {s.id: s.custom["reason"] for s in marked}


def details(found: tuple[RecordingSet, SupervisionSet]) -> str:
    """All details of what is set aside."""
    return "\n".join((s.custom or {}).get("detail", "") for s in found[1])


def recipe_options(folder: Path, settings: str) -> list[str]:
    """Of the stages, for sets below ``folder/dl``; what they make goes to ``folder/d``."""
    folders = ["--download-dir", str(folder / "dl"), "--data-dir", str(folder / "d")]
    return ["--corpus", "mycorpus", "--nj", "1", *folders, "--set", settings]
