"""Alignments and counts of whole sets: compiled where that is quicker."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from asr.score.align import Alignment, align
from asr.score.edit_kernel import align_pairs, compiled_kernel, count_pairs
from asr.score.error_rate import ErrorRate, count_errors

MANY = 50_000_000  # cells of distance matrices; numba is loaded in half their time
LARGE = 50_000_000  # cells of one matrix; more are done in bits, which take less room
Flat = tuple[NDArray[np.uint32], NDArray[np.int64]]


def align_all(
    refs: Sequence[Sequence[str]], hyps: Sequence[Sequence[str]]
) -> list[Alignment]:
    """Align each pair of word sequences, as ``align`` does."""
    cells = [len(r) * len(h) for r, h in zip(refs, hyps, strict=True)]
    if sum(cells) < MANY // 10 or max(cells, default=0) > LARGE:
        return [align(r, h) for r, h in zip(refs, hyps, strict=True)]
    numbers: dict[str, int] = {}
    (ref_ids, ref_ends), (hyp_ids, hyp_ends) = (_ids(s, numbers) for s in (refs, hyps))
    letters, begins = compiled_kernel(align_pairs)(ref_ids, ref_ends, hyp_ids, hyp_ends)
    text, ends = letters.tobytes().decode("ascii"), (ref_ends + hyp_ends).tolist()
    return [
        Alignment(tuple(ref), tuple(hyp), text[begin:end])
        for ref, hyp, begin, end in zip(refs, hyps, begins.tolist(), ends, strict=True)
    ]


def count_characters(refs: Sequence[str], hyps: Sequence[str]) -> list[ErrorRate]:
    """The errors of each pair of texts by characters, as ``count_errors`` does."""
    if sum(len(r) * len(h) for r, h in zip(refs, hyps, strict=True)) < MANY:
        return [count_errors(r, h) for r, h in zip(refs, hyps, strict=True)]
    counts = compiled_kernel(count_pairs)(*_codes(refs), *_codes(hyps)).tolist()
    return [
        ErrorRate(ins, dels, subs, len(ref))
        for (ins, dels, subs), ref in zip(counts, refs, strict=True)
    ]


def _ids(texts: Sequence[Sequence[str]], numbers: dict[str, int]) -> Flat:
    """All words by their numbers, new ones added, and where each text ends."""
    ids = [numbers.setdefault(word, len(numbers)) for text in texts for word in text]
    return np.array(ids, np.uint32), _ends(texts)


def _codes(texts: Sequence[str]) -> Flat:
    """All characters by their code points, and where each text ends."""
    code = "".join(texts).encode("utf-32-le", "surrogatepass")
    return np.frombuffer(code, dtype=np.uint32), _ends(texts)


def _ends(texts: Iterable[Sequence[str]]) -> NDArray[np.int64]:
    return np.cumsum([len(text) for text in texts], dtype=np.int64)
