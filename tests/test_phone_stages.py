"""Phones through the stages that know the configuration."""

import dataclasses
import gzip
import json
import shutil
from pathlib import Path

import pytest

from asr.bin import graph, score, tokenizer, train_lm
from asr.bin.export_lang import write_lang
from asr.bin.install_model import copy_lang
from asr.bin.search import hot_words, in_phones
from asr.bin.train import in_units
from asr.config_load import ROOT, load_config
from asr.errors import RecipeError, UsageError
from asr.job import Job, Paths
from asr.lm.kneser_ney import train_kneser_ney, write_arpa
from asr.lm.neural import NeuralLm
from asr.stage_files import lexicon_file, unit_files
from asr.stages import STAGES
from asr.text.pronunciations import write_dictionary
from asr.text.tokenizer import write_tokens
from asr.text.units import load_units
from asr.train.split import Split

TEXTS = {"u1": "A CAT", "u2": "ACT A CATACT 7"}


def make_job(folder: Path, *settings: str) -> Job:
    corpus = ROOT / "egs" / "an4"
    paths = Paths(folder / "download", folder / "data", folder / "exp")
    common = ("tokenizer.kind=phone", "lm.rescore_order=0", "lm.order=2", *settings)
    config = load_config(corpus, "conformer", common)
    return Job(config, paths, corpus, nj=1, test_dir=None, decoders=())


@pytest.fixture
def job(tmp_path: Path) -> Job:
    """Transcripts, an n-gram, and a lexicon below the download folder."""
    made = make_job(tmp_path, "tokenizer.lexicon=words.lex")
    made.paths.download.mkdir()
    lexicon = "A AH\nA EY\nCAT K AE T\nACT AE K T\nTACT T AE K T\nCATA K AE T AH\n"
    (made.paths.download / "words.lex").write_text(lexicon)
    made.paths.manifests.mkdir(parents=True)
    with gzip.open(made.paths.cuts("train"), "wt") as file:
        for id_, text in TEXTS.items():
            file.write(json.dumps({"id": id_, "supervisions": [{"text": text}]}) + "\n")
    made.paths.lm.mkdir()
    sentences = [text.split() for text in TEXTS.values()]
    write_arpa(train_kneser_ney(sentences, 2, [0, 0]), made.paths.arpa(2))
    return made


def test_units_and_graphs(job: Job, capsys: pytest.CaptureFixture[str]) -> None:
    tokenizer.run(job)
    assert job.lang.name == "lang_phone"
    assert "7 tokens (phone)" in capsys.readouterr().out
    stage = next(stage for stage in STAGES if stage.name == "tokenizer")
    assert all(path.is_file() for path in stage.outputs(job))
    assert job.paths.download / "words.lex" in stage.inputs(job)
    graph.run(job)
    assert "1 words cannot be spelled" in capsys.readouterr().out  # 7
    assert (job.lang / "lexicon.txt").read_text().splitlines() == [
        "A AH",
        "A EY",
        "ACT AE K T",
        "CAT K AE T",
        "CATACT K AE T AE K T",
    ]
    assert (job.lang / "HLG.pt").is_file()


def test_exported_dictionary_spells_the_words_of_the_ngram(job: Job) -> None:
    tokenizer.run(job)
    folder = job.paths.exp / "lang"
    folder.parent.mkdir(parents=True)
    write_lang(job, folder, None)
    assert sorted(p.name for p in folder.iterdir()) == [
        "pronunciations.txt.gz",
        "tokens.txt",
    ]
    installed = job.paths.exp / "lang_phone"
    copy_lang(folder, installed)
    words, full, alone = (
        TEXTS["u2"].split(),
        load_units(job.lang),
        load_units(installed),
    )
    assert alone.tokens == full.tokens
    assert alone.spell(words) == full.spell(words) != {}
    assert full.spell(["TACT"]) and not alone.spell(["TACT"])  # not in the n-gram


def test_hot_words_are_pronounced(job: Job, capsys: pytest.CaptureFixture[str]) -> None:
    """By the lexicon, the dictionary, or their letters; without stage 3's G2P too."""
    tokenizer.run(job)
    graph.run(job)
    weights = {"CAT": 3.0, "TACT": 5.0, "TAC": 2.0, "\u00c7A": 1.0}
    job = dataclasses.replace(job, hotwords=weights)
    capsys.readouterr()
    found = hot_words(job)
    units = load_units(job.lang)
    assert [(hot.word, hot.weight) for hot in found] == [
        ("CAT", 3.0),
        ("TAC", 2.0),
        ("TACT", 5.0),
    ]
    tact = tuple(units.tokens.index(phone) for phone in "T AE K T".split())
    assert [hot.spellings for hot in found] == [(), (tact[:3],), (tact,)]
    said = capsys.readouterr().out.splitlines()
    assert said == [
        "hot words that cannot be found: \u00c7A (nobody knows how they are said)",
        "hot words that the lexicon lacks, said as: TACT T AE K T, TAC T AE K",
    ]
    for name in ("guessed.txt", "g2p.npz"):  # finished models have neither
        (job.lang / name).unlink()
    for learns in (True, False):
        assert hot_words(job) == found
        told = capsys.readouterr().out
        assert ("learning to pronounce from 5 words, once" in told) == learns


def test_phones_of_words_that_a_finished_model_lacks(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    job = make_job(tmp_path)
    dictionary = {"CAT": [("K", "AE", "T")]}
    write_dictionary(dictionary, job.lang / "pronunciations.txt")
    phones = ["AE", "AH", "EY", "K", "T"]
    write_tokens(["<blk>", "<unk>", *phones], job.lang / "tokens.txt")
    refs = {"u1": "CAT ACT", "u2": "A CHEESE"}
    assert in_phones(job, refs) == {"u1": "K AE T AE K T", "u2": "AH <unk>"}
    assert "1 words of the transcripts have no pronun" in capsys.readouterr().out
    own = make_job(tmp_path, "tokenizer.lexicon=my.lex")
    assert in_phones(own, refs) == {"u1": "K AE T <unk>", "u2": "<unk> <unk>"}


def test_pieces_depend_on_what_they_did(tmp_path: Path) -> None:
    """Else everything trained so far would be made anew."""
    job = make_job(tmp_path, "tokenizer.kind=char")
    assert unit_files(job) == [job.lang / "sp.model"]
    assert lexicon_file(job) == []


def test_neural_lm_has_pieces_of_its_own(tmp_path: Path, job: Job) -> None:
    small = ("dim=16", "num_layers=1", "num_heads=2", "ff_dim=32", "max_epochs=30")
    fast = ("patience=0", "dropout=0.0", "warmup_steps=5", "learning_rate=2e-2")
    settings = [f"neural_lm.{item}" for item in (*small, *fast)]
    job = make_job(tmp_path, "tokenizer.lexicon=words.lex", "log.wandb=off", *settings)
    tokenizer.run(job)
    (job.paths.lm / "train.txt").write_text("A CAT\nACT A CATACT\n" * 8)
    shutil.copy(job.paths.cuts("train"), job.paths.cuts("dev"))
    train_lm.run(job)
    assert not (job.lang / "sp.model").exists()
    lm = NeuralLm.load(job.neural_lm / "lm.pt")
    assert lm.tokenizer.decode(lm.tokenizer.encode("A CAT ACT")) == "A CAT ACT"
    seen, turned = lm.score(["ACT A CATACT", "CATACT A ACT"])
    assert turned < seen - 1 < 0


def test_user_errors(job: Job, tmp_path: Path) -> None:
    (job.paths.download / "words.lex").unlink()
    with pytest.raises(RecipeError, match="no such lexicon"):
        tokenizer.run(job)
    other = make_job(tmp_path, "tokenizer.kind=char", "tokenizer.lexicon=words.lex")
    with pytest.raises(UsageError, match="tokenizer.kind=phone"):
        tokenizer.run(other)


def test_dev_is_compared_in_phones(job: Job) -> None:
    tokenizer.run(job)
    units = load_units(job.lang)
    split = Split(None, [], TEXTS)  # type: ignore[arg-type]
    assert in_units(split, units).texts == {
        "u1": "AH K AE T",
        "u2": "AE K T AH K AE T AE K T <unk>",
    }


def test_phones_and_words_are_scored_apart(
    job: Job, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = job.paths.decode_dir("test")
    files = {
        "ref": "u1 A CAT\n",
        "ref_phones": "u1 AH K AE T\n",
        "greedy/text": "u1 EY K AE T\n",
        "beam-lm/text": "u1 A CAT\n",
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    for method in ("greedy", "beam-lm"):
        timing = {"rtf": 0.5, "peak_rss_mb": 7.0}
        (folder / method / "timing.json").write_text(json.dumps(timing))
    score.run(job)
    rows = [line.split("\t") for line in open(folder / "results.tsv")]
    assert [row[:2] for row in rows] == [["method", "wer"], ["beam-lm", "0.00"]]
    rows = [line.split() for line in open(folder / "results_phones.tsv")]
    assert rows == [
        "method per ins del sub phones rtf peak_rss_mb".split(),
        "greedy 25.00 0 0 1 4 0.5000 7".split(),
    ]
    assert (folder / "greedy" / "per").read_text().startswith("%PER 25.00")
    assert not (folder / "greedy" / "wer").exists()
    assert "phone errors, of decoders without lexicon" in capsys.readouterr().out
    # Decoders of phones alone: their table, and a report, are all that there is.
    shutil.rmtree(folder / "beam-lm")
    score.run(job)
    assert not (folder / "results.tsv").exists()
    assert (folder / "results_phones.tsv").is_file()
    page = (job.paths.exp / "report.html").read_text(encoding="utf-8")
    assert "test, %PER" in page and "25.00" in page and "1 utterances, 4 phones" in page
    assert "%WER" not in page and "%CER" not in page
    stage = next(stage for stage in STAGES if stage.name == "score")
    assert all(path.is_file() for path in stage.outputs(job))
    (folder / "ref").unlink()
    score.run(job)
    assert not (folder / "results_phones.tsv").exists()
    assert not (job.paths.exp / "report.html").exists()
