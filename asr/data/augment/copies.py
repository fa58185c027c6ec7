"""Augmented copies as lhotse's cuts."""

import re
from collections.abc import Iterable, Iterator, Sequence

from lhotse.cut import MonoCut
from lhotse.utils import fastcopy

_SUFFIX = re.compile(r"(_sp[0-9.]+)?(_aug\d+)?$")  # of lhotse, and of this module
SOURCE, COPY = "augmented_from", "augment_copy"  # custom fields of a copy


def all_copies(
    cuts: Iterable[MonoCut], speeds: Sequence[float], augmented: int
) -> Iterator[MonoCut]:
    """Yield the cuts at every speed, then so many augmented copies of all these."""
    cuts = list(cuts)
    for copy in range(augmented + 1):
        for speed in speeds:
            for cut in cuts:
                faster = cut if speed == 1.0 else cut.perturb_speed(speed)
                yield faster if copy == 0 else augmented_copy(faster, copy)


def augmented_copy(cut: MonoCut, copy: int) -> MonoCut:
    """A cut like this one whose features will be augmented; ``copy`` counts from 1.

    Its id and its supervisions' ids end in ``_aug<copy>``, as those of a speed copy
    end in ``_sp<speed>``. The recording stays the original: only the features differ.
    """
    suffix = f"_aug{copy}"
    return fastcopy(
        cut,
        id=cut.id + suffix,
        supervisions=[fastcopy(s, id=s.id + suffix) for s in cut.supervisions],
        custom={**(cut.custom or {}), SOURCE: cut.id, COPY: copy},
    )


def copy_of(cut: MonoCut) -> tuple[str, int] | None:
    """The id that was copied and the copy's number, or None of an original."""
    custom = cut.custom or {}
    return (custom[SOURCE], custom[COPY]) if COPY in custom else None


def original_id(id_: str) -> str:
    """The id without what marks copies: ``a_sp0.9_aug1`` is of ``a``."""
    return _SUFFIX.sub("", id_, count=1)
