"""What the best hypothesis of each n-best list would score: a bound, not a decoder."""

from collections.abc import Mapping, Sequence

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
