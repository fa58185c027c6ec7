"""What describes extracted features: the index for training, and lhotse's cuts."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from lhotse import Features as FeaturesManifest
from lhotse.cut import MonoCut
from lhotse.utils import fastcopy

from asr.data.fbank import FRAME_SHIFT, FbankSettings, shard_name
from asr.data.jsonl import write_items
from asr.data.shard_index import Row, write_index
from asr.data.shard_writer import shard_rows


def write_feature_manifests(
    planned: Sequence[Sequence[MonoCut]],
    split: str,
    folder: Path,
    settings: FbankSettings,
) -> None:
    """Write ``<split>_index.tsv`` and ``<split>_cuts.jsonl.gz`` of finished shards.

    Args:
        planned: the cuts of every shard, in order.
        folder: holds ``<split>/shard-*.h5`` already.
    """
    rows = list(_all_rows(planned, folder, split))
    write_index(rows, folder / f"{split}_index.tsv")
    write_items(
        _with_features(planned, rows, folder.absolute(), settings),
        folder / f"{split}_cuts.jsonl.gz",
    )


def _all_rows(
    planned: Sequence[Sequence[MonoCut]], folder: Path, split: str
) -> Iterator[Row]:
    for number, shard in enumerate(planned):
        name = f"{split}/{shard_name(number)}"
        seconds = {cut.id: cut.duration for cut in shard}
        yield from shard_rows(folder / name, name, seconds)


def _with_features(
    planned: Sequence[Sequence[MonoCut]],
    rows: Sequence[Row],
    folder: Path,
    settings: FbankSettings,
) -> Iterator[MonoCut]:
    """Attach to every cut where lhotse finds its features."""
    cuts = (cut for shard in planned for cut in shard)
    for cut, row in zip(cuts, rows, strict=True):
        features = FeaturesManifest(
            type="kaldi-fbank",
            num_frames=row.num_frames,
            num_features=row.num_bins,
            frame_shift=FRAME_SHIFT,
            sampling_rate=settings.sample_rate,
            start=cut.start,
            duration=cut.duration,
            storage_type="numpy_hdf5",
            storage_path=str(folder / row.shard),
            storage_key=row.id,
            recording_id=cut.recording.id,
            channels=cut.channel,
        )
        if cut.sampling_rate != settings.sample_rate:
            cut = cut.resample(settings.sample_rate)
        yield fastcopy(cut, features=features)
