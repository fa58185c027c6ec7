"""Whether references and hypotheses are written in the same way."""

from asr.score.report import Scores

PUNCTUATION = frozenset('.,;:!?"\u2018\u2019\u201c\u201d\u00ab\u00bb\u2013\u2014\u2026')


def what_was_compared(scores: Scores, rule: str) -> str:
    """A line on the texts, with a hint where they seem to be written differently."""
    size = f"{len(scores.refs)} utterances"
    if not any(scores.refs.values()):
        size += ", all references empty"
    if rule != "none":
        return f"{size}, both sides by the rule '{rule}'"
    refs, hyps = (
        {c for text in side.values() for c in set(text)}
        for side in (scores.refs, scores.hyps)
    )
    if written_alike(refs, hyps):
        return f"{size}, texts as they are"
    return (
        f"{size}, texts as they are: one side has punctuation or lower case and the "
        "other has not; --normalize upper takes both out"
    )


def written_alike(refs: set[str], hyps: set[str]) -> bool:
    """Whether both sides' characters have capitals, small letters, punctuation alike.

    A side that is empty has nothing to be told by.
    """
    if not refs or not hyps:
        return True
    tests = (str.isupper, str.islower, PUNCTUATION.__contains__)
    return all(any(map(test, refs)) == any(map(test, hyps)) for test in tests)
