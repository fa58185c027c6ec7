"""Interpolated modified Kneser-Ney n-grams in plain Python, written as ARPA.

Chen and Goodman, "An empirical study of smoothing techniques for language modeling",
TR-10-98, section 4.1.6, with the conventions of KenLM's ``lmplz`` (Heafield et al.,
ACL 2013), so that both give the same probabilities: unigrams are interpolated with
the uniform distribution over all words, ``</s>`` and ``<unk>``; n-grams that begin
with ``<s>`` keep their plain counts; the mass of pruned n-grams goes to the back-off.

For machines without ``lmplz``. It holds every n-gram in memory, about 0.3 GB for a
million words at order 3.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from asr.atomic import atomic_path

BOS, EOS, UNK = "<s>", "</s>", "<unk>"
FALLBACK = (0.5, 1.0, 1.5)  # lmplz's own --discount_fallback
LOG_ZERO = -99.0  # log10, ARPA's customary zero

Gram = tuple[str, ...]
Discounts = tuple[float, float, float]  # for adjusted counts 1, 2, and 3 or more


@dataclass(frozen=True)
class ArpaModel:
    """Probabilities and back-off weights (not logarithms), one dict per order.

    ``fallback_orders`` lists the orders whose counts gave no usable discounts.
    """

    probs: list[dict[Gram, float]]
    backoffs: list[dict[Gram, float]]
    fallback_orders: list[int]


def train_kneser_ney(
    sentences: Iterable[Sequence[str]], order: int, prune: Sequence[int]
) -> ArpaModel:
    """Estimate an n-gram model.

    Args:
        sentences: words, without sentence marks.
        order: length of the longest n-gram, at least 2.
        prune: for each order, n-grams with counts up to this are left out; the
            first is 0 and they do not decrease.
    """
    raw = count_ngrams(sentences, order)
    model = ArpaModel([], [], [])
    for n in range(1, order + 1):
        adjusted = adjusted_counts(raw, n)
        estimated = estimate_discounts(adjusted)
        if estimated is None:
            model.fallback_orders.append(n)
        kept = {g for g in adjusted if raw[n - 1][g] > prune[n - 1]}
        discounts = FALLBACK if estimated is None else estimated
        _add_order(model, adjusted, kept, discounts)
    return model


def count_ngrams(sentences: Iterable[Sequence[str]], order: int) -> list[Counter[Gram]]:
    """Count the n-grams of each length up to ``order``, sentence marks included."""
    counts: list[Counter[Gram]] = [Counter() for _ in range(order)]
    for sentence in sentences:
        words = (BOS, *sentence, EOS)
        for n, counter in enumerate(counts, start=1):
            counter.update(zip(*(words[i:] for i in range(n)), strict=False))
    return counts


def adjusted_counts(raw: Sequence[Counter[Gram]], n: int) -> Mapping[Gram, int]:
    """Kneser-Ney counts: in how many different left contexts an n-gram occurs.

    The longest n-grams keep their plain counts, and so do those beginning with
    ``<s>``, which have no left context.
    """
    if n == len(raw):
        return raw[n - 1]
    adjusted = Counter(gram[1:] for gram in raw[n])
    if n > 1:  # the unigram <s> is never predicted
        adjusted.update({g: c for g, c in raw[n - 1].items() if g[0] == BOS})
    return adjusted


def estimate_discounts(adjusted: Mapping[Gram, int]) -> Discounts | None:
    """Closed-form discounts (Chen and Goodman, eq. 26); None if out of range."""
    n = Counter(count for count in adjusted.values() if count <= 4)
    if not (n[1] and n[2] and n[3]):
        return None
    y = n[1] / (n[1] + 2 * n[2])
    d1, d2, d3 = (j - (j + 1) * y * n[j + 1] / n[j] for j in (1, 2, 3))
    if not (0 <= d1 <= 1 and 0 <= d2 <= 2 and 0 <= d3 <= 3):
        return None
    return d1, d2, d3


def _add_order(
    model: ArpaModel,
    adjusted: Mapping[Gram, int],
    kept: set[Gram],
    discounts: Discounts,
) -> None:
    """Add the next longer n-grams, interpolated with the order below."""
    total: Counter[Gram] = Counter()
    freed: dict[Gram, float] = {}  # mass taken by discounts and pruning
    for gram, count in adjusted.items():
        context = gram[:-1]
        total[context] += count
        taken = discounts[min(count, 3) - 1] if gram in kept else count
        freed[context] = freed.get(context, 0.0) + taken
    gamma = {context: mass / total[context] for context, mass in freed.items()}
    probs: dict[Gram, float] = {}
    for gram in kept:
        context, count = gram[:-1], adjusted[gram]
        lower = model.probs[-1][gram[1:]] if context else 1 / (len(kept) + 1)
        own = (count - discounts[min(count, 3) - 1]) / total[context]
        probs[gram] = own + gamma[context] * lower
    if model.probs:
        model.backoffs.append(gamma)
    else:
        probs[(UNK,)] = gamma[()] / (len(kept) + 1)  # +1: <unk> itself
        probs[(BOS,)] = 1.0  # never asked for; the customary entry
    model.probs.append(probs)


def write_arpa(model: ArpaModel, path: Path) -> None:
    """Write log10 probabilities in the ARPA format, sorted, atomically."""
    order = len(model.probs)
    with atomic_path(path) as partial, open(partial, "w", encoding="utf-8") as file:
        file.write("\\data\\\n")
        for n, probs in enumerate(model.probs, start=1):
            file.write(f"ngram {n}={len(probs)}\n")
        for n, probs in enumerate(model.probs, start=1):
            file.write(f"\n\\{n}-grams:\n")
            backoffs = model.backoffs[n - 1] if n < order else {}
            for gram in sorted(probs):
                line = f"{_log10(probs[gram]):.7g}\t{' '.join(gram)}"
                if n < order:
                    line += f"\t{_log10(backoffs.get(gram, 1.0)):.7g}"
                file.write(line + "\n")
        file.write("\n\\end\\\n")


def _log10(value: float) -> float:
    return min(0.0, math.log10(value)) if value > 0 else LOG_ZERO
