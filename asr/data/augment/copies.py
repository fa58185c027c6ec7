"""Augmented copies as lhotse's cuts."""

from collections.abc import Container, Iterable, Iterator, Sequence
from itertools import chain, count
from pathlib import Path
from typing import Any

from lhotse.cut import MonoCut
from lhotse.utils import fastcopy

from asr.text.transcripts import read_lines

SOURCE, COPY = "augmented_from", "augment_copy"  # custom fields of a copy


def all_copies(
    cuts: Iterable[MonoCut], speeds: Sequence[float], augmented: int
) -> Iterator[MonoCut]:
    """Yield the cuts at every speed, then so many augmented copies of all these.

    Where an original is called as a copy of another would be, the copy gets a number.
    """
    cuts = list(cuts)
    originals = {cut.id for cut in cuts}
    for copy in range(augmented + 1):
        for speed in speeds:
            for cut in cuts:
                faster = cut if speed == 1.0 else _faster(cut, speed, originals)
                yield (faster if copy == 0 else augmented_copy(faster, copy, originals))


def augmented_copy(
    cut: MonoCut, copy: int, taken: Container[str] = frozenset()
) -> MonoCut:
    """A cut like this one whose features will be augmented; ``copy`` counts from 1.

    Its id and its supervisions' ids end in ``_aug<copy>``, as those of a speed copy
    end in ``_sp<speed>``. The recording stays the original: only the features differ.
    """
    suffix = _unused(cut.id, f"_aug{copy}", taken)
    custom = {**(cut.custom or {}), SOURCE: cut.id, COPY: copy}
    return _called(cut, cut, suffix, custom)


def copy_of(cut: MonoCut) -> tuple[str, int] | None:
    """The id that was copied and the copy's number, or None of an original."""
    custom = cut.custom or {}
    return (custom[SOURCE], custom[COPY]) if COPY in custom else None


def read_originals(cuts: Path) -> dict[str, str]:
    """The utterance that each copy in a ``*_cuts.jsonl.gz`` is of, by the copy's id.

    Told by what stage 2 has noted, never by how an id looks: ids are the user's.

    Raises:
        RecipeError: the file is missing or damaged.
    """
    made_of = dict(filter(None, map(_parent, read_lines(cuts))))

    def first(id_: str) -> str:
        return first(made_of[id_]) if id_ in made_of else id_

    return {id_: first(id_) for id_ in made_of}


def _parent(cut: dict[str, Any]) -> tuple[str, str] | None:
    """A copy's id, and that of what it was made of."""
    id_, custom = cut["id"], cut.get("custom") or {}
    if SOURCE in custom:
        return id_, custom[SOURCE]
    for transform in cut["recording"].get("transforms") or ():
        if transform["name"] == "Speed":
            factor = transform["kwargs"]["factor"]
            return id_, id_.removesuffix(_speed_suffix(factor))
    return None


def _faster(cut: MonoCut, speed: float, taken: Container[str]) -> MonoCut:
    faster = cut.perturb_speed(speed)
    if faster.id not in taken:
        return faster
    suffix = _unused(cut.id, _speed_suffix(speed), taken)
    return _called(faster, cut, suffix, {**(cut.custom or {}), SOURCE: cut.id})


def _speed_suffix(speed: float) -> str:
    """What lhotse writes behind the id."""
    return f"_sp{speed}"


def _called(
    cut: MonoCut, source: MonoCut, suffix: str, custom: dict[str, Any]
) -> MonoCut:
    """A cut with the ids of the one that it was made of and a suffix."""
    named = zip(cut.supervisions, source.supervisions, strict=True)
    supervisions = [fastcopy(s, id=old.id + suffix) for s, old in named]
    return fastcopy(
        cut, id=source.id + suffix, supervisions=supervisions, custom=custom
    )


def _unused(id_: str, suffix: str, taken: Container[str]) -> str:
    numbered = (f"{suffix}_{number}" for number in count(2))
    return next(s for s in chain([suffix], numbered) if id_ + s not in taken)
