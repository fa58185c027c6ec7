"""Stage 1: manifests of all splits."""

from asr.config import Config
from asr.data.corpus import load_hook
from asr.data.manifest import Split, prepare_split, some_names, write_split
from asr.data.manifest_filter import TrainLimits, is_crowded, words_needed
from asr.data.manifest_report import check_overlap, summary, write_dropped
from asr.errors import RecipeError
from asr.job import Job
from asr.models.lengths import subsampled
from asr.text.normalize import get_rule


def run(job: Job) -> None:
    """Write recordings, supervisions and cuts of every split, and what was dropped."""
    config, paths = job.config, job.paths
    rule = get_rule(config.corpus.normalize)
    hook = load_hook(job.corpus_dir)
    if hook.manifests is None:
        raise RecipeError(f"{job.corpus_dir}/prepare.py: no function 'manifests'")
    options = {**config.corpus.options, "test_sets": config.corpus.test_sets}
    found = hook.manifests(paths.download, paths.data / "audio", options)
    missing = set(job.splits) - set(found)
    if missing:
        raise RecipeError(
            f"{job.corpus_dir}/prepare.py: manifests() does not return "
            f"{', '.join(sorted(missing))}; see corpus.test_sets"
        )
    splits = []
    for name in job.splits:
        limits = _limits(config) if name == "train" else None
        splits.append(prepare_split(name, *found[name], rule, limits))
        print(summary(splits[-1]), flush=True)
    _check_hours(splits[0], config.manifest.train_hours)
    _check_letters(splits[0], _limits(config))
    for warning in check_overlap(splits):
        print(warning, flush=True)
    for split in splits:
        write_split(
            split,
            {
                "recordings": paths.recordings(split.name),
                "supervisions": paths.supervisions(split.name),
                "cuts": paths.cuts(split.name),
            },
        )
    write_dropped((d for split in splits for d in split.dropped), paths.dropped)


def _check_hours(train: Split, wanted: float) -> None:
    """Say where ``manifest.train_hours`` are more than there are."""
    hours = sum(cut.duration for cut in train.cuts) / 3600
    if hours < wanted:
        print(
            f"WARNING: manifest.train_hours={wanted:g}: {train.name} has {hours:.2f} h "
            "in all, and all of them are taken",
            flush=True,
        )


def _check_letters(train: Split, limits: TrainLimits) -> None:
    """Name utterances whose text can hardly be said in their time."""
    crowded = [s.id for s in train.supervisions if is_crowded(s, limits)]
    if crowded:
        print(
            f"WARNING: {train.name}: {len(crowded)} utterances have more letters than the "
            f"model has frames ({some_names(crowded)}): is each transcript of its file? "
            "With tokenizer.kind=char stage 6 leaves them out",
            flush=True,
        )


def _limits(config: Config) -> TrainLimits:
    return TrainLimits(
        config.manifest.min_seconds,
        config.manifest.max_seconds,
        subsampled,
        words_needed,
        config.manifest.train_hours,
    )
