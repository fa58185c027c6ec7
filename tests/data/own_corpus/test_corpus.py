"""Sets together: which there are, what is taken out of train, ids, and stages 0 to 2."""

import os
from pathlib import Path

import pytest

from asr.__main__ import main
from asr.config_load import ROOT, load_config
from asr.data.corpus import load_hook
from asr.data.jsonl import read_cuts
from asr.errors import RecipeError
from asr.options import build_parser, make_job
from asr.stage import check_ready
from asr.stages import STAGES
from tests.data.own_corpus.sets import (
    HELD_OUT,
    as_folder,
    as_kaldi,
    read,
    recipe_options,
    speakers,
    texts,
)
from tests.data.sounds import write_sound


def test_the_configuration_is_what_the_hooks_take(tmp_path: Path) -> None:
    as_folder(tmp_path / "dl/train", speakers(4, 1))
    config = load_config(ROOT / "egs/mycorpus", "conformer", []).corpus
    hook = load_hook(ROOT / "egs/mycorpus")
    assert hook.manifests is not None and hook.download is not None
    options = {**config.options, "test_sets": config.test_sets}
    hook.download(tmp_path / "dl", options, 1)
    assert hook.manifests(tmp_path / "dl", tmp_path, options).keys() == {
        "train",
        "dev",
        "test",
    }


def test_dev_and_test_are_whole_speakers_of_train(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    as_folder(tmp_path / "d/train", speakers(20, 2))
    found = read(tmp_path / "d", "test")
    said = capsys.readouterr().out
    who = {name: {s.speaker for s in sups} for name, (_, sups) in found.items()}
    assert [len(who[name]) for name in ("train", "dev", "test")] == [16, 2, 2]
    assert len(who["train"] | who["dev"] | who["test"]) == 20
    assert sum(len(sups) for _, sups in found.values()) == 40
    assert {r.id for r in found["dev"][0]} == texts(found["dev"]).keys()
    assert "dev: no such folder, so 4 utterances (11% of train's" in said
    assert "2 of 18 speakers) are taken out of train" in said

    again = read(tmp_path / "d", "test")
    assert texts(again["dev"]) == texts(found["dev"])
    without_test = read(tmp_path / "d")
    assert without_test.keys() == {"train", "dev"}


def test_utterances_are_taken_where_there_are_few_speakers(tmp_path: Path) -> None:
    as_folder(tmp_path / "d/train", speakers(1, 20))
    found = read(tmp_path / "d")
    assert [len(texts(found[name])) for name in ("train", "dev")] == [18, 2]


@pytest.mark.parametrize(("count", "part"), [(1, 0.4), (2, 0.9)])
def test_train_is_never_taken_wholly(tmp_path: Path, count: int, part: float) -> None:
    as_folder(tmp_path / "d/train", speakers(count, 2))
    found = read(tmp_path / "d", held_out={**HELD_OUT, "part": part})
    assert all(texts(found[name]) for name in ("train", "dev"))


@pytest.mark.parametrize("key", ["max_hours", "max_seconds"])
def test_limits_that_are_none(tmp_path: Path, key: str) -> None:
    as_folder(tmp_path / "d/train", speakers(2, 3))
    with pytest.raises(RecipeError, match=f"held_out.{key}=0.0: above 0"):
        read(tmp_path / "d", held_out={**HELD_OUT, key: 0})


def test_what_is_not_usable_stays_in_train(tmp_path: Path) -> None:
    files: dict[str, str | None] = {f"u{i}.wav": "a" for i in range(20)}
    files |= {"untold.wav": None}
    as_folder(tmp_path / "d/train", files)
    write_sound(tmp_path / "d/train/audio/long.wav", 31.0, rate=4000)
    (tmp_path / "d/train/transcriptions/long.txt").write_text("long")
    found = read(tmp_path / "d")
    assert len(texts(found["dev"])) == 2
    assert {"long", "untold"} <= {r.id for r in found["train"][0]}


def test_train_too_small(tmp_path: Path) -> None:
    as_folder(tmp_path / "d/train", {"a.wav": "one"})
    with pytest.raises(
        RecipeError, match="dev: there is no such folder, and train has 1"
    ):
        read(tmp_path / "d")


def test_the_same_name_in_two_sets(tmp_path: Path) -> None:
    as_folder(tmp_path / "d/train", {"1.wav": "one", "2.wav": "two"})
    as_folder(tmp_path / "d/dev", {"x/3.wav": "three", "1.wav": "other"})
    found = read(tmp_path / "d")
    assert texts(found["train"]) == {"train_1": "one", "2": "two"}
    assert texts(found["dev"]) == {"3": "three", "dev_1": "other"}
    assert {r.id for r in found["dev"][0]} == {"3", "dev_1"}
    who = {s.id: s.speaker for s in found["dev"][1]}
    assert who == {"3": "x", "dev_1": "dev_1"}


def test_a_file_that_has_the_longer_name_already(tmp_path: Path) -> None:
    as_folder(tmp_path / "d/train", {"1.wav": "one", "train_1.wav": "two"})
    as_folder(tmp_path / "d/dev", {"x/3.wav": "three", "1.wav": "other"})
    found = read(tmp_path / "d")["train"]
    assert texts(found) == {"train_1_2": "one", "train_1": "two"}
    assert {r.id for r in found[0]} == texts(found).keys()


def test_the_same_recording_in_two_sets(tmp_path: Path) -> None:
    for name in ("train", "dev"):
        as_folder(tmp_path / "d" / name, {"1.wav": "one"})
    with pytest.raises(
        RecipeError, match=r"train and dev have the same recording, .*1.wav"
    ):
        read(tmp_path / "d")


def test_words_to_remove(tmp_path: Path) -> None:
    as_folder(tmp_path / "d/train", {"1.wav": "<noise> one [laugh]", "2.wav": "two"})
    as_folder(tmp_path / "d/dev", {"3.wav": "noise <noise>"})
    found = read(tmp_path / "d", remove_words=["<noise>", "[laugh]"])
    assert texts(found["train"]) == {"1": "one", "2": "two"}
    assert texts(found["dev"]) == {"3": "noise"}


@pytest.mark.parametrize(
    ("make", "message"),
    [
        ("audio", "train: no such folder.*; move it there"),
        ("nothing", "train: no such folder; --download-dir names"),
        ("train/other", "train: holds none of audio/ with transcriptions"),
        ("train/audio", "no audio files; put them into"),
    ],
)
def test_sets_that_are_none(tmp_path: Path, make: str, message: str) -> None:
    (tmp_path / "d" / make).mkdir(parents=True)
    with pytest.raises(RecipeError, match=message):
        read(tmp_path / "d")


def test_no_transcriptions_at_all(tmp_path: Path) -> None:
    write_sound(tmp_path / "d/train/audio/a.wav")
    with pytest.raises(RecipeError, match="train/transcriptions: no such folder"):
        read(tmp_path / "d")


def test_a_test_set_that_is_named_and_not_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    as_folder(tmp_path / "d/train", speakers(2, 3))
    with pytest.raises(
        RecipeError, match="test_far: no such folder, and corpus.test_sets"
    ):
        read(tmp_path / "d", "test_far")
    as_kaldi(tmp_path / "d/test_near", wav_scp="", text="")
    read(tmp_path / "d")
    assert "not used: test_near in" in capsys.readouterr().out


@pytest.mark.parametrize("part", [0.0, 1.0])
def test_parts_that_are_none(tmp_path: Path, part: float) -> None:
    as_folder(tmp_path / "d/train", speakers(2, 3))
    held_out = {"part": part, "max_hours": 1.0, "max_seconds": 30.0}
    with pytest.raises(RecipeError, match="held_out.part"):
        read(tmp_path / "d", held_out=held_out)


def test_stages_0_to_2_and_what_is_changed_later(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train = as_folder(tmp_path / "dl/train", {**speakers(4, 1), "odd/x.wav": None})
    (train / "transcriptions/lost.txt").write_text("nobody says this")
    options = recipe_options(tmp_path, "fbank.speeds=[1.0] corpus.test_sets=[]")
    for verb in ("download", "manifests", "fbank"):
        assert main([verb, *options]) == 0
    dropped = (tmp_path / "d/manifests/dropped.tsv").read_text().splitlines()[1:]
    assert [line.split("\t")[:3] for line in dropped] == [
        ["train", "lost", "no audio"],
        ["train", "x", "no transcript"],
    ]
    assert len(read_cuts(tmp_path / "d/fbank/train_cuts.jsonl.gz")) == 3
    capsys.readouterr()

    assert main(["manifests", *options]) == 0
    assert "already done" in capsys.readouterr().out
    (train / "transcriptions/odd").mkdir()
    (train / "transcriptions/odd/x.txt").write_text("at last")
    assert main(["manifests", *options]) == 0
    assert "done again, because own files changed (1 new: x.txt)" in (
        capsys.readouterr().out
    )
    assert main(["fbank", *options]) == 0
    write_sound(train / "audio/s0/u00.wav", 0.5, seed=99)  # as long as it was
    os.utime(train / "audio/s0/u00.wav", ns=(0, 1))
    capsys.readouterr()
    for verb in ("manifests", "fbank"):
        assert main([verb, *options]) == 0
        assert "1 other content: u00.wav" in capsys.readouterr().out
    assert len(read_cuts(tmp_path / "d/fbank/train_cuts.jsonl.gz")) == 4


def test_other_units_and_models_go_on_from_stage_3(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    as_folder(tmp_path / "dl/train", speakers(4, 2))
    (tmp_path / "dl/my.lex").write_text("word w er d\n0 z\n1 w\n")
    common = "fbank.speeds=[1.0] corpus.test_sets=[] lm.rescore_order=0"
    whole = ("download", "manifests", "fbank", "tokenizer", "lm", "graph")
    train = next(stage for stage in STAGES if stage.name == "train")
    for number, (options, verbs) in enumerate(
        (
            (["tokenizer.kind=phone tokenizer.lexicon=my.lex"], whole),
            (["tokenizer.kind=char"], ("tokenizer", "graph")),
            (["tokenizer.kind=bpe tokenizer.vocab_size=12"], ("tokenizer", "graph")),
            (["tokenizer.lexicon=my.lex", "--model", "tdnnf"], ("tokenizer", "graph")),
        )
    ):
        settings, *model = options
        given = [*recipe_options(tmp_path, f"{common} {settings}"), *model]
        given += ["--exp-dir", str(tmp_path / "e")]
        job = make_job(build_parser().parse_args(["train", *given]), train.number)
        if number in (1, 2):
            with pytest.raises(RecipeError, match=r"run ./run.sh --stage 3 first"):
                check_ready(train, job, STAGES)
        for verb in verbs:
            assert main([verb, *given]) == 0
        check_ready(train, job, STAGES)
        capsys.readouterr()
        for verb in whole:
            assert main([verb, *given]) == 0
            assert "already done" in capsys.readouterr().out
