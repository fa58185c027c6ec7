"""The configuration: layers, --set, and messages for what is wrong."""

from pathlib import Path

import pytest
import yaml

from asr.config import Config
from asr.config_load import (
    ROOT,
    default_model,
    load_config,
    load_model_config,
    merge,
    read_yaml,
)
from asr.config_tree import build_config, flatten, plain
from asr.errors import UsageError

AN4 = ROOT / "egs" / "an4"


def load(*settings: str, corpus: Path = AN4, model: str = "conformer") -> Config:
    return load_config(corpus, model, settings)


def corpus_dir(tmp_path: Path, text: str) -> Path:
    (tmp_path / "corpus.yaml").write_text(text)
    return tmp_path


@pytest.mark.parametrize("model", ["conformer", "deepspeech2", "tdnnf"])
@pytest.mark.parametrize("corpus", sorted(ROOT.glob("egs/*/corpus.yaml")))
def test_every_shipped_configuration_is_valid(corpus: Path, model: str) -> None:
    assert load(corpus=corpus.parent, model=model).model.name == model


def test_set_wins_over_corpus_and_recipe(tmp_path: Path) -> None:
    corpus = corpus_dir(tmp_path, "fbank: {num_mel_bins: 40}\n")
    assert load(corpus=corpus).fbank.num_mel_bins == 40
    assert load("fbank.num_mel_bins=23", corpus=corpus).fbank.num_mel_bins == 23


def test_per_model_part_applies_to_that_model_only(tmp_path: Path) -> None:
    text = "train: {seed: 1}\nper_model: {deepspeech2: {train: {seed: 2}}}\n"
    corpus = corpus_dir(tmp_path, text)
    assert load(corpus=corpus).train.seed == 1
    assert load(corpus=corpus, model="deepspeech2").train.seed == 2


@pytest.mark.parametrize(
    ("text", "model"),
    [("train: {seed: 1}\n", "conformer"), ("default_model: tdnnf\n", "tdnnf")],
)
def test_a_corpus_may_name_the_model(tmp_path: Path, text: str, model: str) -> None:
    corpus = corpus_dir(tmp_path, text)
    assert default_model(corpus) == model
    assert load(corpus=corpus, model="deepspeech2").model.name == "deepspeech2"


@pytest.mark.parametrize("name", ["lstm", "3", "[tdnnf]", "null"])
def test_a_corpus_that_names_no_model_is_told(tmp_path: Path, name: str) -> None:
    corpus = corpus_dir(tmp_path, f"default_model: {name}\n")
    with pytest.raises(UsageError, match="corpus.yaml: default_model .* is not conf"):
        default_model(corpus)


def test_values_are_yaml() -> None:
    config = load("train.learning_rate=2e-3", "tune.lm_weights=[0,1]", "lm.prune=[0,1]")
    assert config.train.learning_rate == 0.002
    assert config.tune.lm_weights == (0.0, 1.0)
    assert config.lm.prune == (0, 1)


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("fbank.num_mel_bin=40", "fbank.num_mel_bins"),
        ("train.max_epoch=4", "train.max_epochs"),
        ("nonsense", "section.key=value"),
        ("train=3", "this is a section"),
        ("trian=3", "unknown key"),
        ("train.spec_augment=3", "section"),
        ("train.max_epochs=many", "not of type int"),
        ("train.max_epochs=1.5", "not of type int"),
        ("train.seed=[1", "not valid YAML"),
        ("lm.prune=1", "not of type"),
        ("fbank.level=.nan", "from -60 to 0 dB, or null"),
    ],
)
def test_bad_settings_say_what_is_wrong(setting: str, said: str) -> None:
    with pytest.raises(UsageError, match=".*") as caught:
        load(setting)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_unknown_key_in_a_corpus_file_names_the_nearest(tmp_path: Path) -> None:
    corpus = corpus_dir(tmp_path, "tokenizer: {vocab_sise: 3}\n")
    with pytest.raises(UsageError, match="tokenizer.vocab_sise.*vocab_size"):
        load(corpus=corpus)


def test_damaged_yaml_is_one_line(tmp_path: Path) -> None:
    corpus = corpus_dir(tmp_path, "a: [1\nb: }\n")
    with pytest.raises(UsageError, match="corpus.yaml: not valid YAML") as caught:
        load(corpus=corpus)
    assert "\n" not in str(caught.value)


def test_missing_key_is_named() -> None:
    tree = read_yaml(ROOT / "conf" / "recipe.yaml")
    merge(tree, read_yaml(ROOT / "conf" / "conformer.yaml"))
    del tree["train"]["seed"]
    with pytest.raises(UsageError, match="train.seed: missing"):
        build_config(tree)


def test_saved_configuration_loads_back_equal() -> None:
    config = load("train.seed=7")
    assert build_config(plain(config)) == config


def test_trained_sections_come_from_the_experiment(tmp_path: Path) -> None:
    saved = tmp_path / "config.yaml"
    saved.write_text("commit: abc\ntokenizer: {kind: bpe, vocab_size: 77}\n")
    config = load_config(AN4, "conformer", [], saved)
    assert config.tokenizer.unit == "bpe_77"
    changed = load_config(AN4, "conformer", ["tokenizer.kind=char"], saved)
    assert changed.tokenizer.unit == "char"


def test_flat_keys_are_those_of_set() -> None:
    flat = flatten(load())
    assert flat["train.spec_augment.freq_masks"] == 2
    assert flat["model.name"] == "conformer"
    load(*(f"{key}={value}" for key, value in flat.items() if isinstance(value, int)))


def test_config_of_a_version_with_fewer_keys_gets_their_defaults(
    tmp_path: Path,
) -> None:
    current = plain(load("train.accumulate=3", "train.max_epochs=7"))
    del current["train"]["accumulate"], current["fbank"]["shard_minutes"]
    del current["fbank"]["level"]
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(current))
    found = load_config(AN4, "conformer", [], tmp_path / "config.yaml")
    assert (found.train.accumulate, found.train.max_epochs) == (1, 7)
    assert found.fbank.shard_minutes == 60.0
    assert load().fbank.level == -24.0 and found.fbank.level is None  # as it was then
    assert load_model_config(tmp_path / "config.yaml", []).fbank.level is None
