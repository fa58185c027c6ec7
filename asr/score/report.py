"""Corpus-level scores of one hypothesis set, and their files."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from asr.atomic import write_text
from asr.errors import RecipeError
from asr.score.align import GAP, Alignment, align
from asr.score.error_rate import ErrorRate, count_errors

NAMED = 5  # missing ids that a message lists


@dataclass(frozen=True)
class Scores:
    """Error counts over a set, and the alignment of each utterance."""

    wer: ErrorRate
    cer: ErrorRate
    alignments: dict[str, Alignment]


def score(refs: Mapping[str, str], hyps: Mapping[str, str]) -> Scores:
    """Count the errors of all utterances together.

    Characters are counted with the single spaces between the words.

    Raises:
        RecipeError: an utterance of ``refs`` has no hypothesis, or the other way round.
    """
    check_ids(refs, hyps)
    words, characters = ErrorRate.zero(), ErrorRate.zero()
    alignments = {}
    for id_ in sorted(refs, key=str.encode):
        ref, hyp = (" ".join(texts[id_].split()) for texts in (refs, hyps))
        alignments[id_] = align(ref.split(), hyp.split())
        words += alignments[id_].counts
        characters += count_errors(list(ref), list(hyp))
    return Scores(words, characters, alignments)


def check_ids(refs: Mapping[str, str], hyps: Mapping[str, str]) -> None:
    """Raise unless both sides have the same utterances."""
    for what, one, other in (
        ("no hypothesis for", refs, hyps),
        ("no reference for", hyps, refs),
    ):
        missing = sorted(set(one) - set(other))
        if missing:
            more = f" and {len(missing) - NAMED} more" if len(missing) > NAMED else ""
            names = ", ".join(missing[:NAMED])
            raise RecipeError(f"{what} {names}{more}; both sides need the same ids")


def error_line(name: str, errors: ErrorRate) -> str:
    """Kaldi's line, as ``%WER 7.62 [ 59 / 773, 9 ins, 11 del, 39 sub ]``."""
    return (
        f"%{name} {100 * errors.rate:.2f} [ {errors.errors} / {errors.length}, "
        f"{errors.ins} ins, {errors.dels} del, {errors.subs} sub ]"
    )


def per_utterance(id_: str, alignment: Alignment) -> str:
    """Four lines in the form of Kaldi's per_utt: ref, hyp, op, and #csid."""
    operations = alignment.operations
    lines = [f"{id_} ref ", f"{id_} hyp ", f"{id_} op  "]
    for (ref, hyp), operation in zip(alignment.pairs, operations, strict=True):
        words = (ref or GAP, hyp or GAP, operation)
        width = max(map(len, words))
        for i, word in enumerate(words):
            lines[i] += f" {word:{width}} "
    counts = " ".join(str(operations.count(kind)) for kind in "CSID")
    return "\n".join([*(line.rstrip() for line in lines), f"{id_} #csid {counts}"])


def write_report(scores: Scores, out: Path, phones: bool = False) -> None:
    """Write ``wer``, ``cer`` and ``per_utt`` into the folder ``out``.

    Of phones, ``per`` instead of the first two.
    """
    rates = [("WER", scores.wer), ("CER", scores.cer)]
    for name, errors in [("PER", scores.wer)] if phones else rates:
        write_text(out / name.lower(), error_line(name, errors) + "\n")
    lines = [per_utterance(id_, found) for id_, found in scores.alignments.items()]
    write_text(out / "per_utt", "\n".join(lines) + "\n")
