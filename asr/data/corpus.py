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

import soundfile
from lhotse import Recording, RecordingSet, SupervisionSegment, SupervisionSet
from lhotse.audio import AudioSource

from asr.data.audio import check_audio
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


def describe(utterances: Iterable[Utterance]) -> tuple[RecordingSet, SupervisionSet]:
    """Turn one-file utterances into lhotse manifests.

    A file that cannot be read gets a supervision but no recording, and its path in
    ``supervision.custom["audio"]``, from which the manifest stage tells the reason.
    """
    recordings, supervisions = [], []
    for utterance in utterances:
        recording = _recording(utterance)
        if recording is not None:
            recordings.append(recording)
        if utterance.text is not None or recording is None:
            supervisions.append(_supervision(utterance, recording))
    return (
        RecordingSet.from_recordings(recordings),
        SupervisionSet.from_segments(supervisions),
    )


def _recording(utterance: Utterance) -> Recording | None:
    if check_audio(utterance.audio) is not None:
        return None
    return describe_audio(utterance.id, utterance.audio)


def describe_audio(id_: str, audio: Path) -> Recording:
    """Describe a whole file that libsndfile reads, all channels, from its header."""
    info = soundfile.info(str(audio))
    channels = list(range(info.channels))
    path = str(audio.absolute())
    return Recording(
        id=id_,
        sources=[AudioSource(type="file", channels=channels, source=path)],
        sampling_rate=info.samplerate,
        num_samples=info.frames,
        duration=info.frames / info.samplerate,
        channel_ids=channels,
    )


def _supervision(
    utterance: Utterance, recording: Recording | None
) -> SupervisionSegment:
    return SupervisionSegment(
        id=utterance.id,
        recording_id=utterance.id,
        start=0.0,
        duration=0.0 if recording is None else recording.duration,
        channel=0,
        text=utterance.text,
        speaker=utterance.speaker,
        custom=None if recording else {"audio": str(utterance.audio)},
    )


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
