"""A corpus's own hook: ``egs/<corpus>/prepare.py``.

The file may define two functions::

    def download(download_dir: Path, options: Mapping[str, object], nj: int) -> None
    def manifests(download_dir: Path, work_dir: Path, options: Mapping[str, object])
        -> dict[str, tuple[RecordingSet, SupervisionSet]]

``download`` makes what the archives of ``corpus.yaml`` do not bring; ``manifests``
describes the audio and its raw transcripts, split by split. ``options`` is the
section ``corpus.options`` of the YAML; ``manifests`` finds ``corpus.test_sets`` in it
too, as ``test_sets``.
"""

import importlib.util
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from lhotse import RecordingSet, SupervisionSegment, SupervisionSet

from asr.data.audio_blocks import cancelled
from asr.data.audio_store import AudioStore, Described
from asr.data.channels import on_channel
from asr.data.sound_file import AudioError
from asr.data.user_names import shown
from asr.errors import RecipeError

Options = Mapping[str, object]
Manifests = dict[str, tuple[RecordingSet, SupervisionSet]]
DownloadHook = Callable[[Path, Options, int], None]
ManifestsHook = Callable[[Path, Path, Options], Manifests]


@dataclass(frozen=True)
class Hook:
    """What a corpus brings along: both functions, or None for an absent one."""

    download: DownloadHook | None
    manifests: ManifestsHook | None


@dataclass(frozen=True)
class Utterance:
    """One audio file with its raw transcript (None: there is none)."""

    id: str
    audio: Path
    text: str | None
    speaker: str


def load_hook(corpus_dir: Path) -> Hook:
    """Import ``corpus_dir/prepare.py``; without the file both functions are None."""
    if not (corpus_dir / "prepare.py").is_file():
        return Hook(None, None)
    module = load_module(corpus_dir)
    return Hook(getattr(module, "download", None), getattr(module, "manifests", None))


def load_module(corpus_dir: Path) -> ModuleType:
    """Import ``corpus_dir/prepare.py`` itself, under a name of its own."""
    path = corpus_dir / "prepare.py"
    spec = importlib.util.spec_from_file_location(f"asr_corpus_{corpus_dir.name}", path)
    if spec is None or spec.loader is None:
        raise RecipeError(f"{path}: cannot be imported as a Python file")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def describe(
    utterances: Iterable[Utterance], work_dir: Path | None = None
) -> tuple[RecordingSet, SupervisionSet]:
    """Turn one-file utterances into lhotse manifests.

    A file that cannot be read gets a supervision but no recording, and its path and what
    is wrong in ``supervision.custom``, from which the manifest stage tells the reason.

    Args:
        work_dir: where FLAC goes of what libsndfile cannot read wholly in place, as m4a;
            None: that counts as what cannot be read.
    """
    store = AudioStore("audio", work_dir)
    recordings, supervisions = [], []
    for utterance in utterances:
        problem = ""
        try:
            described = store.describe(utterance.id, utterance.audio)
            recordings.append(described.recording)
            if described.louder is not None:
                store.note(cancelled(described.louder), shown(utterance.audio))
        except AudioError as error:
            described, problem = None, str(error)
        if utterance.text is not None or described is None:
            supervisions.append(_supervision(utterance, described, problem))
    for note in store.notes:
        print(note, flush=True)
    return (
        RecordingSet.from_recordings(recordings),
        SupervisionSet.from_segments(supervisions),
    )


def _supervision(
    utterance: Utterance, described: Described | None, problem: str
) -> SupervisionSegment:
    segment = SupervisionSegment(
        id=utterance.id,
        recording_id=utterance.id,
        start=0.0,
        duration=0.0 if described is None else described.recording.duration,
        channel=0,
        text=utterance.text,
        speaker=utterance.speaker,
    )
    if described is None:
        segment.custom = {"audio": str(utterance.audio), "problem": problem}
    elif described.louder is not None:
        return on_channel(segment, described.louder)
    return segment


def string_option(options: Options, name: str) -> str:
    """Return the option ``name`` as a string, or raise RecipeError."""
    value = options.get(name)
    if not isinstance(value, str):
        raise RecipeError(f"corpus.options.{name}: a string is needed, got {value!r}")
    return value


def list_option(options: Options, name: str) -> list[str]:
    """Return the option ``name`` as a list of strings, or raise RecipeError."""
    value = options.get(name)
    if not isinstance(value, list | tuple):
        raise RecipeError(f"corpus.options.{name}: a list is needed, got {value!r}")
    return [str(item) for item in value]


def number_option(options: Options, name: str) -> float:
    """Return the option ``name`` as a number, or raise RecipeError."""
    value = options.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise RecipeError(f"corpus.options.{name}: a number is needed, got {value!r}")
    return float(value)
