"""Other scorers, for counts to be compared with."""

import random
from collections.abc import Iterator

Counts = tuple[int, int, int]  # insertions, deletions, substitutions


def kaldi_counts(ref: list[str], hyp: list[str]) -> Counts:
    """As ``compute-wer``: counts carried along, cell by cell.

    A substitution or a match is taken only where it is better than both others, and
    then a deletion only where it is better than an insertion.
    """
    above = [(j, j, 0, 0) for j in range(len(hyp) + 1)]  # edits, ins, dels, subs
    for i, word in enumerate(ref, 1):
        row = [(i, 0, i, 0)]
        for j, other in enumerate(hyp, 1):
            edits, ins, dels, subs = above[j - 1]
            wrong = int(word != other)
            across = (edits + wrong, ins, dels, subs + wrong)
            edits, ins, dels, subs = above[j]
            down = (edits + 1, ins, dels + 1, subs)
            edits, ins, dels, subs = row[j - 1]
            right = (edits + 1, ins + 1, dels, subs)
            if across[0] < min(down[0], right[0]):
                row.append(across)
            else:
                row.append(down if down[0] < right[0] else right)
        above = row
    return above[-1][1:]


def random_pairs(number: int, seed: int = 0) -> Iterator[tuple[list[str], list[str]]]:
    """Sentences of few and of many different words, alike and unlike, some empty."""
    rng = random.Random(seed)
    for _ in range(number):
        words = [f"w{k}" for k in range(rng.choice((1, 3, 10, 50)))]
        ref = rng.choices(words, k=rng.choice((0, 1, 5, 12, 20)))
        if rng.random() < 0.3:
            yield ref, rng.choices(words, k=rng.randrange(15))
            continue
        hyp = []
        for word in ref:
            chance = rng.random()
            if chance > 0.15:  # else deleted
                hyp.append(word if chance > 0.3 else rng.choice(words))
            if rng.random() < 0.1:
                hyp.append(rng.choice(words))
        yield ref, hyp
