"""Oracle error rates, counted by hand."""

from asr.score.error_rate import ErrorRate
from asr.score.oracle import oracle_errors


def test_the_nearest_hypothesis_counts() -> None:
    refs = {"a": "one two three", "b": "four", "c": ""}
    nbest = {
        "a": ["one", "one two tree", "two three four"],  # 2, 1, 2 errors
        "b": ["five six", "four"],
        "c": ["seven"],
        "untold": ["eight"],
    }
    assert oracle_errors(refs, nbest) == ErrorRate(1, 0, 1, 4)
