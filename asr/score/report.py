"""Corpus-level scores of one hypothesis set."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from asr.errors import RecipeError
from asr.score.align import Alignment, align
from asr.score.error_rate import ErrorRate
from asr.score.many import align_all, count_characters
from asr.score.transcripts import named

SPACE = "<space>"  # how the space between words is shown among characters


@dataclass(frozen=True)
class Scores:
    """Texts of a set, and their error counts, which are made when they are asked for.

    Attributes:
        refs, hyps: by utterance id, of the same utterances in the same order.
    """

    refs: dict[str, str]
    hyps: dict[str, str]

    @cached_property
    def alignments(self) -> dict[str, Alignment]:
        """Of the words of each utterance."""
        sides = (self.refs.values(), self.hyps.values())
        found = align_all(*([text.split() for text in side] for side in sides))
        return dict(zip(self.refs, found, strict=True))

    @cached_property
    def character_alignments(self) -> dict[str, Alignment]:
        """Of the characters of each utterance, single spaces between words included."""
        return {
            id_: align(_characters(ref), _characters(self.hyps[id_]))
            for id_, ref in self.refs.items()
        }

    @cached_property
    def words(self) -> dict[str, ErrorRate]:
        """Word errors of each utterance."""
        return {id_: found.counts for id_, found in self.alignments.items()}

    @cached_property
    def characters(self) -> dict[str, ErrorRate]:
        """Character errors of each utterance."""
        counts = count_characters(list(self.refs.values()), list(self.hyps.values()))
        return dict(zip(self.refs, counts, strict=True))

    @cached_property
    def wer(self) -> ErrorRate:
        return ErrorRate.total(self.words.values())

    @cached_property
    def cer(self) -> ErrorRate:
        return ErrorRate.total(self.characters.values())

    @property
    def wrong(self) -> int:
        """Utterances with at least one error."""
        return sum(ref != self.hyps[id_] for id_, ref in self.refs.items())


def score(refs: Mapping[str, str], hyps: Mapping[str, str]) -> Scores:
    """Compare the texts of a set, all utterances together, in the order of their ids.

    Raises:
        RecipeError: an utterance of ``refs`` has no hypothesis, or the other way round.
    """
    check_ids(refs, hyps)
    ids = sorted(refs, key=str.encode)
    return Scores(
        {id_: " ".join(refs[id_].split()) for id_ in ids},
        {id_: " ".join(hyps[id_].split()) for id_ in ids},
    )


def check_ids(refs: Mapping[str, str], hyps: Mapping[str, str]) -> None:
    """Raise unless both sides have the same utterances."""
    for what, one, other in (
        ("no hypothesis for", refs, hyps),
        ("no reference for", hyps, refs),
    ):
        missing = set(one) - set(other)
        if missing:
            raise RecipeError(
                f"{what} {named(missing)}; both sides need the same ids "
                f"({len(refs)} references, {len(hyps)} hypotheses)"
            )


def error_line(name: str, errors: ErrorRate) -> str:
    """Kaldi's line, as ``%WER 7.63 [ 59 / 773, 9 ins, 11 del, 39 sub ]``."""
    return (
        f"%{name} {100 * errors.rate:.2f} [ {errors.errors} / {errors.length}, "
        f"{errors.ins} ins, {errors.dels} del, {errors.subs} sub ]"
    )


def sentence_line(scores: Scores) -> str:
    """Kaldi's line of utterances with errors, as ``%SER 55.00 [ 11 / 20 ]``."""
    share = scores.wrong / max(1, len(scores.refs))
    return f"%SER {100 * share:.2f} [ {scores.wrong} / {len(scores.refs)} ]"


def _characters(text: str) -> list[str]:
    return [SPACE if character == " " else character for character in text]
