"""What stage 1 tells about its splits: sizes, what was dropped, what overlaps."""

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from asr.atomic import write_text
from asr.data.manifest import Split, some_names
from asr.data.manifest_filter import Dropped
from asr.errors import RecipeError


def write_dropped(dropped: Iterable[Dropped], path: Path) -> None:
    """Write the report of what was left out (TSV with a header)."""
    rows = ["split\tid\treason\tdetail"]
    for d in dropped:  # file names may hold tabs and line ends
        fields = (" ".join(text.split()) for text in (d.id, d.reason, d.detail))
        rows.append("\t".join([d.split, *fields]))
    write_text(path, "\n".join(rows) + "\n")


def summary(split: Split) -> str:
    """One line: what is there, and what was dropped by reason; dev/test by name."""
    seconds = sum(cut.duration for cut in split.cuts)
    words = sum(len((s.text or "").split()) for s in split.supervisions)
    speakers = {segment.speaker for segment in split.supervisions}
    line = (
        f"{split.name}: {len(split.supervisions)} utterances, {seconds / 3600:.2f} h, "
        f"{words} words, {len(speakers)} speakers"
    )
    counts = Counter(d.reason for d in split.dropped)
    if counts:
        reasons = ", ".join(f"{n} {reason}" for reason, n in sorted(counts.items()))
        line += f"; dropped: {reasons}"
    if counts and split.name != "train":
        names = ", ".join(f"{d.id} ({d.reason})" for d in split.dropped)
        line += f"\nWARNING: {split.name} is not complete, it lacks: {names}"
    if split.reserved:
        taken = [word for marks in split.reserved.values() for word in marks]
        line += (
            f"\n{split.name}: {len(taken)} words taken out of transcripts, as they are "
            f"reserved: {' '.join(dict.fromkeys(taken))} (the first in "
            f"{next(iter(split.reserved))})"
        )
    return line


def check_overlap(splits: Sequence[Split]) -> list[str]:
    """Compare all pairs of splits; return a warning line for each shared speaker set.

    Raises:
        RecipeError: an utterance is in two splits.
    """
    warnings = []
    for i, first in enumerate(splits):
        for second in splits[i + 1 :]:
            shared = _ids(first) & _ids(second)
            if shared:
                raise RecipeError(
                    f"manifests: {first.name} and {second.name} share "
                    f"{len(shared)} utterances ({some_names(shared)}); an utterance may be "
                    "in one set only, see the corpus's prepare.py"
                )
            speakers = _speakers(first) & _speakers(second)
            if speakers:
                warnings.append(
                    f"WARNING: {first.name} and {second.name} share {len(speakers)} "
                    f"speakers ({some_names(speakers)})"
                )
    return warnings


def _ids(split: Split) -> set[str]:
    return {segment.id for segment in split.supervisions}


def _speakers(split: Split) -> set[str]:
    return {s.speaker for s in split.supervisions if s.speaker is not None}
