"""What the best hypothesis of each n-best list would score: a bound, not a decoder."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from asr.errors import RecipeError
from asr.score.error_rate import ErrorRate, count_errors


def oracle_errors(
    refs: Mapping[str, str], nbest: Mapping[str, Sequence[str]]
) -> ErrorRate:
    """Word errors of the hypothesis nearest to each transcript.

    Args:
        refs: transcripts by utterance id.
        nbest: texts of each of these utterances, at least one; others are not counted.
    """
    total = ErrorRate.zero()
    for id_, ref in refs.items():
        words = ref.split()
        found = (count_errors(words, text.split()) for text in nbest[id_])
        total += min(found, key=lambda rate: rate.errors)
    return total


def read_nbest(path: Path) -> dict[str, list[str]]:
    """Texts of each utterance in ``nbest.jsonl``, best first.

    Raises:
        RecipeError: the file is damaged.
    """
    nbest = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            row = json.loads(line)
            nbest[row["id"]] = [hyp["text"] for hyp in row["nbest"]]
        except (ValueError, KeyError, TypeError) as error:
            raise RecipeError(
                f"{path}, line {number} is damaged: run stage 8 (decode) again"
            ) from error
    return nbest
