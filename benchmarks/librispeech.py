"""Utterances of a part of LibriSpeech, as lhotse's cuts."""

from pathlib import Path

from lhotse import CutSet, Recording
from lhotse.cut import MonoCut


def some_cuts(part: Path, minutes: float) -> CutSet:
    """Whole utterances spread evenly over the part, about so many minutes of them.

    Args:
        part: a folder like ``LibriSpeech/train-clean-5``.

    Raises:
        SystemExit: there are no FLAC files in it.
    """
    files = sorted(part.glob("*/*/*.flac"))
    if not files:
        raise SystemExit(f"{part}: no */*/*.flac; name a part of LibriSpeech")
    step = 89  # prime: neighbours in the choice are no neighbours in a book
    cuts: list[MonoCut] = []
    seconds = 0.0
    for i in range(len(files)):
        if seconds >= 60 * minutes:
            break
        path = files[i * step % len(files)]
        recording = Recording.from_file(path, recording_id=path.stem)
        cuts.append(recording.to_cut())
        seconds += recording.duration
    return CutSet.from_cuts(sorted(cuts, key=lambda cut: str(cut.id)))
