"""The rows of the studies: valid, one factor at a time, and run by the recipe's stages."""

from pathlib import Path

import pytest
import yaml

from asr.config_load import ROOT
from asr.config_tree import flatten
from asr.errors import UsageError
from asr.options import build_parser, make_job, split_settings
from benchmarks.rows import (
    Row,
    Study,
    choose_rows,
    load_study,
    scored_sets,
    stage_command,
)

STUDIES = {name: ROOT / f"benchmarks/{name}.yaml" for name in ("ablation", "scaling")}
LENGTH = {"train.max_epochs", "train.mmi.ctc_epochs"}  # follow from the budget


def row_of(study: Study, name: str) -> Row:
    return choose_rows(study, name)[0]


def differing(one: Row, other: Row) -> set[str]:
    first, second = flatten(one.config), flatten(other.config)
    return {
        key
        for key in first.keys() | second.keys()
        if first.get(key) != second.get(key) and key not in LENGTH
    }


@pytest.fixture(scope="module")
def ablation() -> Study:
    return load_study(STUDIES["ablation"], None, [])


@pytest.fixture(scope="module")
def scaling() -> Study:
    return load_study(STUDIES["scaling"], None, [])


@pytest.mark.parametrize("name", STUDIES)
def test_training_accepts_every_row(name: str) -> None:
    from asr.train.check_options import check_options

    for epochs in (None, 1):
        for row in load_study(STUDIES[name], epochs, []).rows:
            check_options(row.config.train)


def test_the_factors_that_were_asked_for_are_there(ablation: Study) -> None:
    configs = [row.config for row in ablation.rows]
    assert {c.tokenizer.kind for c in configs} == {"phone", "char", "bpe"}
    assert {c.model.name for c in configs} == {"tdnnf", "conformer", "deepspeech2"}
    assert {c.train.loss for c in configs} == {"ctc", "mmi"}
    assert {"greedy", "beam", "beam-lm", "hlg"} == set(ablation.decoders)


def test_one_factor_changes_at_a_time(ablation: Study) -> None:
    base = row_of(ablation, "base")
    factors = {
        "char": {"tokenizer.kind"},
        "bpe": {"tokenizer.kind", "tokenizer.vocab_size"},
        "ctc": {"train.loss"},
        "mmi-at-once": set(),
        "char-ctc": {"tokenizer.kind", "train.loss"},
        "no-speeds": {"fbank.speeds"},
        "no-vtlp": {"train.augment.vtlp.enabled"},
        "no-specaugment": {"train.spec_augment.enabled"},
        "no-augmentation": {
            "fbank.speeds",
            "train.augment.vtlp.enabled",
            "train.spec_augment.enabled",
        },
    }
    for name, keys in factors.items():
        assert differing(base, row_of(ablation, name)) == keys, name
    assert row_of(ablation, "mmi-at-once").config.train.mmi.ctc_epochs == 0
    assert base.config.train.mmi.ctc_epochs > 0
    others = {row.name for row in ablation.rows} - factors.keys() - {"base"}
    assert others == {"conformer", "deepspeech2"}
    for name in others:  # another model, with the optimizer it likes and no more
        keys = differing(base, row_of(ablation, name))
        optimizer = ("optimizer", "learning_rate", "weight_decay", "warmup_steps")
        known = {f"train.{key}" for key in (*optimizer, "clip_norm")}
        known.add("tune.average")
        assert all(key in known or key.startswith("model.") for key in keys), keys


def test_only_the_amount_of_data_changes(scaling: Study) -> None:
    base = row_of(scaling, "7h")
    for row in scaling.rows:
        allowed = {"manifest.train_hours", "train.realign_epochs"}
        assert differing(base, row) <= allowed
        shares = [
            e / row.config.train.max_epochs for e in row.config.train.realign_epochs
        ]
        assert shares == pytest.approx([0.5], abs=0.08)
    hours = [row.config.manifest.train_hours or 7.19 for row in scaling.rows]
    heard = [
        h * row.config.train.max_epochs
        for h, row in zip(hours, scaling.rows, strict=True)
    ]
    assert sorted(hours) == [1, 2, 4, 7.19]
    assert max(heard) < 1.15 * min(heard)  # epochs are whole numbers


def test_rows_share_data_where_they_can(ablation: Study, scaling: Study) -> None:
    plain = {"no-speeds", "no-augmentation"}
    names = {row.name: row.data_name for row in ablation.rows}
    assert len({names[name] for name in plain}) == 1
    assert len({names[name] for name in names.keys() - plain}) == 1
    assert len(set(names.values())) == 2
    assert len({row.data_name for row in scaling.rows}) == len(scaling.rows)


@pytest.mark.parametrize("stage", ["fbank", "score"])
def test_the_recipe_understands_the_command(
    ablation: Study, stage: str, tmp_path: Path
) -> None:
    row = row_of(ablation, "no-augmentation")
    folders = {n: tmp_path / n for n in ("download", "data", "exp")}
    command = stage_command(ablation, row, stage, folders, nj=3)
    assert command[1:3] == ["-m", "asr"]
    options = build_parser().parse_args(command[3:])
    assert split_settings(options.settings)[: len(row.settings)] == list(row.settings)
    job = make_job(options, 9 if stage == "score" else 2)
    assert job.config.train == row.config.train and job.nj == 3
    assert job.config.fbank == row.config.fbank
    assert job.paths.exp == folders["exp"] and job.decoders == ablation.decoders
    sets = ("dev", "test") if stage == "score" else ("test",)
    assert job.config.corpus.test_sets == sets
    assert scored_sets(row) == ["dev", "test"]


def test_epochs_follow_those_of_the_base_row() -> None:
    study = load_study(STUDIES["ablation"], 4, ["train.seed=5"])
    epochs = {row.name: row.config.train.max_epochs for row in study.rows}
    assert epochs["base"] == epochs["char"] == 4 and epochs["no-speeds"] == 12
    assert {row.config.train.seed for row in study.rows} == {5}
    assert row_of(study, "base").config.train.mmi.ctc_epochs == 1


def study_file(folder: Path, **changes: object) -> Path:
    tree = yaml.safe_load(STUDIES["ablation"].read_text()) | changes
    path = folder / "mine.yaml"
    path.write_text(yaml.safe_dump(tree))
    return path


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"rows": {"a": {"set": {"train.los": "ctc"}}}},
            r"row a: --set train.los: unk",
        ),
        ({"rows": {"a": {"set": {"train.seed": "x"}}}}, r"row a: train.seed: 'x' is"),
        ({"rows": {"a": {"sets": {}}}}, r"row a: sets: unknown key; .* is set"),
        ({"rows": {"a": {"epochs": 0}}}, r"row a: epochs 18 times 0: above 0"),
        ({"rows": {"a": {"model": "gmm"}}}, r"row a: --model gmm"),
        ({"decoders": ["best"]}, "unknown decoders best"),
        ({"bases": {}}, "bases: unknown key; the nearest known one is base"),
    ],
)
def test_mistakes_are_named(
    tmp_path: Path, changes: dict[str, object], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        load_study(study_file(tmp_path, **changes), None, [])


def test_a_row_may_change_nothing(tmp_path: Path) -> None:
    study = load_study(study_file(tmp_path, rows={"a": None}), None, [])
    assert [row.name for row in study.rows] == ["a"] and study.name == "mine"
    with pytest.raises(UsageError, match="--rows b: known are a"):
        choose_rows(study, "a,b")
