"""Hooks of ``egs/mycorpus/prepare.py``: sets of one's own, read where they lie.

Below ``--download-dir`` each set is a folder, ``train``, ``dev`` and the test sets, in one
of three forms; see ``docs/own_corpus.md``.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from lhotse import RecordingSet, SupervisionSet

from asr.data.corpus import Manifests, Options, list_option, number_option
from asr.data.own_corpus.audio_file import AudioStore
from asr.data.own_corpus.folder import read_folder
from asr.data.own_corpus.found import FoundSet
from asr.data.own_corpus.held_out import HeldOut, hold_out
from asr.data.own_corpus.ids import tell_apart
from asr.data.own_corpus.kaldi import read_kaldi
from asr.data.own_corpus.manifests import read_manifests
from asr.data.own_corpus.named import bases_of, manifest_files
from asr.errors import RecipeError
from asr.folders import subfolder

FORMS = (
    "audio/ with transcriptions/<name>.txt, a Kaldi data directory (wav.scp and text), "
    "or lhotse manifests (*.jsonl.gz)"
)


def download(download_dir: Path, options: Options, nj: int) -> None:
    """Nothing is downloaded: say at once where the training set is expected.

    Raises:
        RecipeError: it is not there.
    """
    if not (download_dir / "train").is_dir():
        hint = "; move it there, with all it has" if form_of(download_dir) else ""
        raise RecipeError(
            f"{download_dir / 'train'}: no such folder; --download-dir names the folder "
            f"with your sets, and train holds {FORMS}{hint}"
        )


def manifests(download_dir: Path, work_dir: Path, options: Options) -> Manifests:
    """Describe train, dev and the test sets; what has to be converted goes to ``work_dir``.

    Where there is no folder ``dev``, or none ``test``, it is taken out of train.

    Raises:
        RecipeError: a set is not there, or is none of the forms.
    """
    download(download_dir, options, 1)
    names = ["train", "dev", *list_option(options, "test_sets")]
    found = {
        name: read_set(name, download_dir, work_dir)
        for name in names
        if (download_dir / name).is_dir()
    }
    tell_apart(found)
    without_words(found.values(), list_option(options, "remove_words"))
    for name in reversed(names):
        if name in found:
            continue
        if name not in ("dev", "test"):
            raise RecipeError(
                f"{download_dir / name}: no such folder, and corpus.test_sets names it"
            )
        found[name] = hold_out(found["train"], name, _held_out(options))
    for name in names:
        _tell(name, found[name])
    _tell_unused(download_dir, names)
    return {
        name: (
            RecordingSet.from_recordings(found[name].recordings.values()),
            SupervisionSet.from_segments(found[name].supervisions),
        )
        for name in names
    }


def form_of(folder: Path) -> str | None:
    """Which of the forms a folder has, as far as its names tell."""
    if (folder / "wav.scp").is_file():
        return "kaldi"
    if manifest_files(folder):
        return "lhotse"
    parts = (subfolder(folder, name) for name in ("audio", "transcriptions"))
    return "folder" if any(part.is_dir() for part in parts) else None


def read_set(name: str, download_dir: Path, work_dir: Path) -> FoundSet:
    """Read one set in the form that it has.

    Raises:
        RecipeError: it has none of them, or not wholly.
    """
    folder = download_dir / name
    store = AudioStore(name, work_dir / name, bases_of(folder))
    form = form_of(folder)
    if form is None:
        raise RecipeError(f"{folder}: holds none of {FORMS}")
    readers = {"kaldi": read_kaldi, "lhotse": read_manifests, "folder": read_folder}
    return readers[form](folder, store)


def without_words(sets: Iterable[FoundSet], words: Sequence[str]) -> None:
    """Take words such as ``<noise>`` out of the transcripts, as they are written."""
    unwanted = set(words)
    if not unwanted:
        return
    for found in sets:
        for segment in found.supervisions:
            kept = [w for w in (segment.text or "").split() if w not in unwanted]
            segment.text = " ".join(kept)


def _held_out(options: Options) -> HeldOut:
    values = options.get("held_out")
    if not isinstance(values, Mapping):
        raise RecipeError(f"corpus.options.held_out: part, ..., got {values!r}")
    part, hours, seconds = (
        number_option(values, key) for key in ("part", "max_hours", "max_seconds")
    )
    if not 0 < part < 1:
        raise RecipeError(f"corpus.options.held_out.part={part}: between 0 and 1")
    for key, value in (("max_hours", hours), ("max_seconds", seconds)):
        if not value > 0:
            raise RecipeError(f"corpus.options.held_out.{key}={value}: above 0")
    return HeldOut(part, hours, seconds)


def _tell(name: str, found: FoundSet) -> None:
    print(f"{name}: {found.form}", flush=True)
    for note in found.notes:
        print(f"{name}: {note}", flush=True)


def _tell_unused(download_dir: Path, names: Sequence[str]) -> None:
    """Name folders that look like sets and are none of the corpus's."""
    others = [
        path.name
        for path in sorted(download_dir.iterdir())
        if path.is_dir() and path.name not in names and form_of(path)
    ]
    if others:
        print(
            f"not used: {', '.join(others)} in {download_dir}; name test sets in "
            "corpus.test_sets",
            flush=True,
        )
