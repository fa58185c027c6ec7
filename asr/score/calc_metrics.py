"""WER and CER of predictions, for use from Python."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeGuard

from asr.errors import RecipeError
from asr.score.error_rate import ErrorRate
from asr.score.report import Scores, error_line, score
from asr.score.transcripts import named, read_texts
from asr.text.normalize import Rule, get_rule

# A folder or file; texts by utterance id; or texts in the same order on both sides.
Texts = str | Path | Mapping[str, str] | Sequence[str]


@dataclass(frozen=True)
class Metrics:
    """Errors of a set, all utterances counted together.

    Attributes:
        words, characters: the counts.
        utterances, wrong: how many were scored, how many of them have an error.
        unscored: ids of hypotheses that have no reference.
    """

    words: ErrorRate
    characters: ErrorRate
    utterances: int
    wrong: int
    unscored: tuple[str, ...] = ()

    @property
    def wer(self) -> float:
        """Word error rate, a fraction."""
        return self.words.rate

    @property
    def cer(self) -> float:
        """Character error rate, a fraction; spaces between words count."""
        return self.characters.rate

    def __str__(self) -> str:
        return "\n".join(
            [error_line("WER", self.words), error_line("CER", self.characters)]
        )


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
    sides = as_mapping(refs), as_mapping(hyps)
    if _is_list(refs) and _is_list(hyps) and len(refs) != len(hyps):
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
    rule = rule_named(normalize)
    missing = set(refs) - set(hyps)
    if missing:
        raise RecipeError(
            f"no hypothesis for {named(missing)}: {len(missing)} of {len(refs)} "
            "references; an utterance in which nothing was recognised has an empty one"
        )
    scores = score(
        {id_: rule(text) for id_, text in refs.items()},
        {id_: rule(hyps[id_]) for id_ in refs},
    )
    return scores, tuple(sorted(set(hyps) - set(refs), key=str.encode))


def rule_named(name: str) -> Rule:
    """The normalisation rule; RecipeError names those that there are."""
    try:
        return get_rule(name)
    except RecipeError as error:
        words = str(error).partition(": ")[2]
        raise RecipeError(f"--normalize {name}: {words}") from None


def _is_list(texts: Texts) -> TypeGuard[Sequence[str]]:
    return not isinstance(texts, str | Path | Mapping)


def as_mapping(texts: Texts) -> dict[str, str]:
    """Texts by id; a list is numbered."""
    if isinstance(texts, str | Path):
        return read_texts(Path(texts))
    if isinstance(texts, Mapping):
        return dict(texts)
    return {f"{number:09d}": text for number, text in enumerate(texts)}
