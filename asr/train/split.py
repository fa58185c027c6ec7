"""One set to train or validate on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from asr.data.batches import plan_batches
from asr.data.dataset import Utterance
from asr.data.shard_reader import ShardReader


@dataclass(frozen=True)
class Split:
    """One set: where its features are, and which utterances to take.

    Attributes:
        texts: by id.
        originals: of copies, the utterance that each is of, which may not be here.
    """

    reader: ShardReader
    utterances: Sequence[Utterance]
    texts: Mapping[str, str]
    originals: Mapping[str, str] = field(default_factory=dict)

    @property
    def seconds(self) -> float:
        """Of audio."""
        return sum(u.num_frames for u in self.utterances) / 100

    def plan(
        self, batch_seconds: float, *, seed: int, epoch: int, by_length: bool
    ) -> list[list[int]]:
        """Positions of the utterances, batch by batch; see ``plan_batches``."""
        return plan_batches(
            [u.num_frames for u in self.utterances],
            batch_seconds,
            seed=seed,
            epoch=epoch,
            by_length=by_length,
        )
