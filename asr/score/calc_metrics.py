"""WER and CER of a set's hypotheses, all utterances counted together."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from asr.errors import RecipeError
from asr.score.error_rate import Alignment, ErrorRate, align, count_characters
from asr.score.transcripts import named, read_texts
from asr.text.normalize import get_rule

SPACE = "<space>"  # how the space between words is shown among characters
PUNCTUATION = frozenset('.,;:!?"\u2018\u2019\u201c\u201d\u00ab\u00bb\u2013\u2014\u2026')
# A folder or file; texts by utterance id; or texts in the same order on both sides.
Texts = str | Path | Mapping[str, str] | Sequence[str]


@dataclass(frozen=True)
class Scores:
    """Texts of a set, and their error counts, which are made when they are asked for."""

    refs: dict[str, str]  # by utterance id
    hyps: dict[str, str]  # the same utterances in the same order

    @cached_property
    def alignments(self) -> dict[str, Alignment]:
        return {i: align(r.split(), self.hyps[i].split()) for i, r in self.refs.items()}

    @cached_property
    def character_alignments(self) -> dict[str, Alignment]:
        """Alignments by characters, single spaces between words included."""
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
        """Count the utterances with at least one error."""
        return sum(ref != self.hyps[id_] for id_, ref in self.refs.items())


@dataclass(frozen=True)
class Metrics:
    """Errors of a set."""

    words: ErrorRate
    characters: ErrorRate
    utterances: int
    wrong: int  # utterances with an error
    unscored: tuple[str, ...] = ()  # ids of hypotheses that have no reference

    @property
    def wer(self) -> float:
        """Word error rate, a fraction."""
        return self.words.rate

    @property
    def cer(self) -> float:
        """Character error rate, a fraction; spaces between words count."""
        return self.characters.rate

    def __str__(self) -> str:
        return f"{error_line('WER', self.words)}\n{error_line('CER', self.characters)}"


def calc_metrics(refs: Texts, hyps: Texts, normalize: str = "none") -> Metrics:
    """Score hypotheses against references.

    Args:
        refs, hyps: each a folder of ``<utt-id>.txt``, a Kaldi ``text`` file, a data
            directory, a mapping from ids to texts, or a list of texts.
        normalize: rule for both sides: ``none``, ``upper`` or ``lower``.

    Raises:
        RecipeError: files that cannot be used, a reference without hypothesis, lists
            of different lengths, or no such rule.
    """
    sides = _by_id(refs), _by_id(hyps)
    listed = not any(isinstance(side, str | Path | Mapping) for side in (refs, hyps))
    if listed and len(sides[0]) != len(sides[1]):
        raise RecipeError(
            f"{len(sides[0])} references and {len(sides[1])} hypotheses: lists are "
            "compared item by item, so both need the same length"
        )
    scores, unscored = compare_texts(*sides, normalize)
    size = len(scores.refs)
    return Metrics(scores.wer, scores.cer, size, scores.wrong, unscored)


def compare_texts(
    refs: Mapping[str, str], hyps: Mapping[str, str], normalize: str = "none"
) -> tuple[Scores, tuple[str, ...]]:
    """Normalise both sides and pair them up.

    Hypotheses without reference are left out, because a folder of recordings may be
    transcribed in part; a reference without hypothesis is an error.

    Returns:
        The scores, and the ids that were left out.
    """
    try:
        rule = get_rule(normalize)
    except RecipeError as error:
        words = str(error).partition(": ")[2]
        raise RecipeError(f"--normalize {normalize}: {words}") from None
    if missing := refs.keys() - hyps.keys():
        raise RecipeError(
            f"no hypothesis for {named(missing)}: {len(missing)} of {len(refs)} "
            "references; an utterance in which nothing was recognised has an empty one"
        )
    scores = score(
        {id_: rule(text) for id_, text in refs.items()},
        {id_: rule(hyps[id_]) for id_ in refs},
    )
    return scores, tuple(sorted(hyps.keys() - refs.keys(), key=str.encode))


def score(refs: Mapping[str, str], hyps: Mapping[str, str]) -> Scores:
    """Compare the texts of a set, in the order of their ids.

    Raises:
        RecipeError: an utterance of ``refs`` has no hypothesis, or the other way round.
    """
    for what, missing in (
        ("no hypothesis for", refs.keys() - hyps.keys()),
        ("no reference for", hyps.keys() - refs.keys()),
    ):
        if missing:
            raise RecipeError(
                f"{what} {named(missing)}; both sides need the same ids "
                f"({len(refs)} references, {len(hyps)} hypotheses)"
            )
    ids = sorted(refs, key=str.encode)
    sides = ({id_: " ".join(side[id_].split()) for id_ in ids} for side in (refs, hyps))
    return Scores(*sides)


def error_line(name: str, errors: ErrorRate) -> str:
    """Format as Kaldi does: ``%WER 7.63 [ 59 / 773, 9 ins, 11 del, 39 sub ]``."""
    return (
        f"%{name} {100 * errors.rate:.2f} [ {errors.errors} / {errors.length}, "
        f"{errors.ins} ins, {errors.dels} del, {errors.subs} sub ]"
    )


def sentence_line(scores: Scores) -> str:
    """Format the share of utterances with errors: ``%SER 55.00 [ 11 / 20 ]``."""
    share = scores.wrong / max(1, len(scores.refs))
    return f"%SER {100 * share:.2f} [ {scores.wrong} / {len(scores.refs)} ]"


def comparison_note(scores: Scores, rule: str) -> str:
    """Describe what was compared; hint if the two sides seem written differently."""
    size = f"{len(scores.refs)} utterances"
    if not any(scores.refs.values()):
        size += ", all references empty"
    if rule != "none":
        return f"{size}, both sides by the rule '{rule}'"
    refs, hyps = (_style(side.values()) for side in (scores.refs, scores.hyps))
    if refs is None or hyps is None or refs == hyps:
        return f"{size}, texts as they are"
    return (
        f"{size}, texts as they are: one side has punctuation or lower case and the "
        "other has not; --normalize upper takes both out"
    )


def _style(texts: Iterable[str]) -> list[bool] | None:
    """Whether there are capitals, small letters and punctuation; None without text."""
    found = {character for text in texts for character in set(text)}
    tests = (str.isupper, str.islower, PUNCTUATION.__contains__)
    return [any(map(test, found)) for test in tests] if found else None


def _by_id(texts: Texts) -> Mapping[str, str]:
    """Read or take texts by id; number those of a list."""
    if isinstance(texts, str | Path):
        return read_texts(Path(texts))
    if isinstance(texts, Mapping):
        return texts
    return {f"{number:09d}": text for number, text in enumerate(texts)}


def _characters(text: str) -> list[str]:
    return [SPACE if character == " " else character for character in text]
