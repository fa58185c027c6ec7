"""The embedded corpus: spoken by espeak-ng in stage 0, described in stage 1."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from lhotse import RecordingSet, SupervisionSet

from asr.data.corpus import Utterance, describe, list_option, number_option
from asr.data.synth import generate
from asr.data.synth_plan import SynthSettings, parse_speaker

SPLITS = ("train", "dev", "test")


def download(download_dir: Path, options: Mapping[str, object], nj: int) -> None:
    """Speak what is missing below ``download_dir/synth``."""
    generate(download_dir / "synth", settings(options), nj)


def settings(options: Mapping[str, object]) -> SynthSettings:
    """Read ``corpus.options``."""
    return SynthSettings(
        seed=int(number_option(options, "seed")),
        sample_rate=int(number_option(options, "sample_rate")),
        sizes={s: int(number_option(options, f"{s}_utterances")) for s in SPLITS},
        speakers={
            split: tuple(map(parse_speaker, list_option(options, f"{split}_speakers")))
            for split in SPLITS
        },
        snr=(number_option(options, "snr_low"), number_option(options, "snr_high")),
    )


def manifests(
    download_dir: Path, work_dir: Path, options: Mapping[str, object]
) -> dict[str, tuple[RecordingSet, SupervisionSet]]:
    """Describe the three sets from their tables."""
    corpus = download_dir / "synth"
    return {split: describe(utterances(corpus, split)) for split in SPLITS}


def utterances(corpus: Path, split: str) -> Iterator[Utterance]:
    """Yield what ``<split>.tsv`` lists."""
    for row in (corpus / f"{split}.tsv").read_text(encoding="utf-8").splitlines():
        id_, speaker, file, text = row.split("\t")
        yield Utterance(id_, corpus / file, text, speaker)
