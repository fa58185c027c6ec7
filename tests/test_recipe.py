"""All ten stages on a tiny corpus: whole, killed at any moment, and with bad input."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
import soundfile

from asr.atomic import remove
from asr.config_load import ROOT, read_yaml
from asr.packages import missing

STAGES = "download manifests fbank tokenizer lm graph train tune decode score".split()
TINY = (
    "corpus.options.train_utterances=48 corpus.options.dev_utterances=6 "
    "corpus.options.test_utterances=6 tokenizer.kind=char model.dim=16 "
    "model.num_layers=1 model.ff_dim=32 model.conv_channels=4 train.max_epochs=2 "
    "train.num_workers=0 train.batch_seconds=12 train.checkpoint_minutes=0 "
    "train.accumulate=2 train.ema_decay=0.9 "
    "tune.average=1 tune.lm_weights=[0.5] tune.word_scores=[0,1] tune.hlg_scales=[1] "
    "tune.unk_scores=[-9,-4] tune.beam_thresholds=[8,14] "
    "tune.nbest_own_scales=[0,1] tune.nbest_larger_scales=[0,1] tune.steps=2 "
    "tune.lattice_own_scales=[0,1] tune.lattice_larger_scales=[0,1] "
    "decode.beam_size=4 decode.token_threshold=3 log.wandb=off"
)


class Recipe:
    """The recipe's commands over folders of a test's own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data, self.exp = folder / "data", folder / "exp"

    def command(self, stage: str, *options: str) -> list[str]:
        folders = ["--download-dir", str(self.folder / "download")]
        folders += ["--data-dir", str(self.data), "--exp-dir", str(self.exp)]
        common = [*folders, "--nj", "2", "--set", TINY]
        return [sys.executable, "-m", "asr", stage, *common, *options]

    def start(
        self, stage: str, *options: str, processes: int = 1
    ) -> "subprocess.Popen[str]":
        command = self.command(stage, *options)
        if processes > 1:
            together = ["-m", "torch.distributed.run", "--standalone"]
            together += ["--nproc_per_node", str(processes)]
            command[1:1] = together
        return subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, stage: str, *options: str, code: int = 0, processes: int = 1) -> str:
        process = self.start(stage, *options, processes=processes)
        output, _ = process.communicate(timeout=300)
        assert process.returncode == code, output
        return output

    def kill_when(self, stage: str, ready: Callable[[], bool]) -> bool:
        """Start a stage and kill its whole process group as soon as ``ready()``.

        Returns whether it was still running.
        """
        process = self.start(stage)
        while process.poll() is None and not ready():
            time.sleep(0.01)
        if process.poll() is None:  # a fast machine may have finished
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return process.returncode == -signal.SIGKILL

    def copy(self, folder: Path) -> "Recipe":
        shutil.copytree(self.folder, folder)
        return Recipe(folder)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Recipe:
    recipe = Recipe(tmp_path_factory.mktemp("whole"))
    for stage in STAGES:
        recipe.run(stage)
    return recipe


def test_a_k2_that_does_not_import_is_as_none(
    whole: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = whole.copy(tmp_path / "own")
    for made in ("decode_dev", "decode_test", "decode.yaml"):
        remove(own.exp / made)
    (tmp_path / "k2").mkdir()
    fake = "raise ModuleNotFoundError(\"No module named '_k2'\")"
    (tmp_path / "k2" / "__init__.py").write_text(fake)
    monkeypatch.setenv("PYTHONPATH", f"{ROOT}:{tmp_path}")
    own.run("graph")
    reason = "k2 cannot be imported (No module named '_k2'); see docs/install.md"
    said = own.run("tune")
    assert f"hlg-nbest, hlg-lattice are not tuned: {reason}\n" in said
    assert said.count("k2 cannot") == 1
    scales = read_yaml(own.exp / "decode.yaml")
    bounds = {"beam_size", "beam_threshold", "token_threshold"}
    chosen = {"lm_weight", "word_score", "unk_score", "hlg_scale"} | bounds
    assert set(scales) - {"commit", "tuned_on"} == chosen
    said = own.run("decode")
    assert f"ctc, hlg-nbest, hlg-lattice are left out: {reason}\n" in said
    assert said.count("k2 cannot") == 1
    own.run("score")
    table = (own.exp / "decode_test" / "results.tsv").read_text().splitlines()[1:]
    decoders = ["greedy", "beam", "beam-lm", "hlg"]
    assert [line.split()[0] for line in table] == decoders
    said = own.run("tune", "--decoders", "greedy ctc", code=1)
    assert f"error: --decoders ctc: {reason}\n" in said


def test_stage_7_tunes_what_is_asked_for_and_keeps_what_it_has(
    whole: Recipe, tmp_path: Path
) -> None:
    own = whole.copy(tmp_path / "own")
    for made in ("decode_dev", "decode.yaml", ".done/7-tune.json"):
        remove(own.exp / made)
    said = own.run("tune", "--decoders", "greedy")  # that has none
    assert "dev WER" not in said
    assert set(read_yaml(own.exp / "decode.yaml")) == {"commit", "tuned_on"}
    said = own.run("tune", "--decoders", "greedy beam-lm")
    assert "dev WER (%) of beam-lm" in said and said.count("dev WER") == 1
    first = read_yaml(own.exp / "decode.yaml")
    scales = ("lm_weight", "word_score", "unk_score")
    own_keys = (*scales, "beam_size", "beam_threshold", "token_threshold")
    assert set(first) == {"commit", "tuned_on", *own_keys}
    assert first["beam_size"] == 4 and first["token_threshold"] == 3.0  # as given
    assert first["beam_threshold"] in (8.0, 14.0)
    said = own.run("decode")
    assert ", hlg" in said or "hlg is left out" in said
    assert "left out: no scales tuned; run ./run.sh --stage 7 with --decoders" in said
    assert "beam-lm: already there" in said
    both = ("--decoders", "beam-lm hlg")
    said = own.run("decode", *both, code=1)
    assert "error: --decoders hlg: no scales tuned; run ./run.sh --stage 7" in said
    said = own.run("tune", *both)
    assert "beam-lm: tuned already" in said and "log_probs.h5: already there" in said
    assert "dev WER (%) of beam-lm" not in said and "dev WER (%) of hlg" in said
    tuned = read_yaml(own.exp / "decode.yaml")
    before = read_yaml(whole.exp / "decode.yaml")
    for name in (*own_keys, "hlg_scale"):
        assert tuned.pop(name) == first.get(name, before[name]) == before[name]
    assert set(tuned) == {"commit", "tuned_on"}
    assert "beam-lm: already there" in own.run("decode", *both)
    said = own.run("tune", *both, "--set", f"{TINY} tune.word_scores=[0]")
    assert "dev WER (%) of beam-lm" in said and "hlg: tuned already" in said


def after(seconds: float) -> Callable[[], bool]:
    began = time.monotonic()
    return lambda: time.monotonic() - began > seconds


def methods() -> list[str]:
    names = ["greedy", "beam", "beam-lm"]
    if missing("k2") is None:
        return [*names, "ctc", "hlg", "hlg-nbest", "hlg-lattice"]
    return [*names, "hlg"]  # by kaldi-decoder


def test_table_has_every_decoder_and_the_same_words(whole: Recipe) -> None:
    table = (whole.exp / "decode_test" / "results.tsv").read_text().splitlines()
    rows = [
        dict(zip(table[0].split("\t"), r.split("\t"), strict=True)) for r in table[1:]
    ]
    assert [row["method"] for row in rows] == methods()
    assert len({row["words"] for row in rows}) == 1
    assert all(float(row["peak_rss_mb"]) > 10 for row in rows)


def test_every_decoder_has_the_same_scoring_files(whole: Recipe) -> None:
    folder = whole.exp / "decode_test"
    table = (folder / "results.tsv").read_text().splitlines()[1:]
    for row in table:
        method, wer, cer = row.split("\t")[:3]
        out = folder / method
        assert (out / "wer").read_text().startswith(f"%WER {wer} [ ")
        assert (out / "cer").read_text().startswith(f"%CER {cer} [ ")
        details = {path.name for path in (out / "scoring").iterdir()}
        assert details == {"per_utt", "per_spk", "ops", "confusions", "wer_bootci"}
        speakers = (out / "scoring" / "per_spk").read_text().splitlines()
        assert f" {wer} " in speakers[-1] and speakers[-1].startswith("SUM ")


def test_report_has_every_decoder_curves_and_sound(whole: Recipe) -> None:
    page = (whole.exp / "report.html").read_text(encoding="utf-8")
    assert all(f'data-decoder="{method}"' in page for method in methods())
    assert "data:image/png" in page and "data:audio/flac" in page


def test_every_utterance_of_the_test_set_has_a_hypothesis(whole: Recipe) -> None:
    folder = whole.exp / "decode_test"
    ids = [line.split()[0] for line in (folder / "ref").read_text().splitlines()]
    assert len(ids) == 6
    for method in methods():
        text = (folder / method / "text").read_text().splitlines()
        assert [line.split()[0] for line in text] == ids
        nbest = (folder / method / "nbest.jsonl").read_text().splitlines()
        assert [json.loads(line)["id"] for line in nbest] == ids


@pytest.mark.parametrize("stage", STAGES)
def test_finished_stage_says_so_at_once(whole: Recipe, stage: str) -> None:
    assert "already done" in whole.run(stage)


def test_results_name_configuration_and_commit(whole: Recipe) -> None:
    for path in ("config.yaml", "decode_test/config.yaml"):
        text = (whole.exp / path).read_text()
        assert text.startswith("commit: ") and "num_layers: 1" in text
    assert "tuned_on: dev" in (whole.exp / "decode.yaml").read_text()


def test_changed_configuration_is_done_again_and_named(
    whole: Recipe, tmp_path: Path
) -> None:
    changed = whole.copy(tmp_path / "changed")
    said = changed.run("decode", "--set", f"{TINY} decode.nbest=3")
    assert "decode.nbest changed from 10 to 3" in said


def test_scales_are_drawn_and_their_grid_need_not_be_given_again(
    whole: Recipe,
) -> None:
    drawn = {f"{m}_scales.png" for m in methods() if m not in ("greedy", "beam", "ctc")}
    assert drawn <= {p.name for p in (whole.exp / "decode_dev").iterdir()}
    rest = " ".join(s for s in TINY.split() if not s.startswith("tune."))
    assert "already done" in whole.run("decode", "--set", rest)


def test_lost_table_is_written_again(whole: Recipe, tmp_path: Path) -> None:
    again = whole.copy(tmp_path / "again")
    again.run("score")
    assert "already done" in again.run("score")
    for name in "decode_test/results.tsv", "decode_test/greedy/wer":
        table = again.exp / name
        expected = table.read_bytes()
        table.unlink()
        again.run("score")
        assert table.read_bytes() == expected


@pytest.mark.parametrize("seconds", [0.2, 0.4, 0.8])
def test_killed_lm_stage(whole: Recipe, tmp_path: Path, seconds: float) -> None:
    again = whole.copy(tmp_path / "again")
    shutil.rmtree(again.data / "lm")
    again.kill_when("lm", after(seconds))
    again.run("lm")
    for name in ("train.txt", "3gram.arpa"):
        expected = (whole.data / "lm" / name).read_bytes()
        assert (again.data / "lm" / name).read_bytes() == expected


def saved_again(path: Path, times: int) -> Callable[[], bool]:
    """Whether a file has been replaced so often."""
    seen: set[int] = set()

    def ready() -> bool:
        with contextlib.suppress(FileNotFoundError):
            seen.add(path.stat().st_ino)
        return len(seen) > times

    return ready


@pytest.mark.parametrize("moment", ["first step", "later step", "end of the epoch"])
def test_training_killed_at_any_moment_ends_with_the_same_files(
    whole: Recipe, tmp_path: Path, moment: str
) -> None:
    again = whole.copy(tmp_path / "again")
    shutil.rmtree(again.exp)
    folder = again.exp / "checkpoints"
    ready = {
        "first step": (folder / "last.pt").exists,
        "later step": saved_again(folder / "last.pt", 3),
        "end of the epoch": (folder / "epoch-1.pt").exists,
    }[moment]
    assert again.kill_when("train", ready)
    assert not (folder / "best.json").exists()
    assert "going on at epoch" in again.run("train")
    files = sorted(p.name for p in (whole.exp / "checkpoints").iterdir())
    assert files == sorted(p.name for p in folder.iterdir())
    assert {"epoch-1.pt", "epoch-2.pt", "last.pt", "best.json"} < set(files)
    for name in files:
        expected = (whole.exp / "checkpoints" / name).read_bytes()
        assert (folder / name).read_bytes() == expected, name


def test_two_processes_train_as_one_with_accumulation(
    whole: Recipe, tmp_path: Path
) -> None:
    two = whole.copy(tmp_path / "two")
    shutil.rmtree(two.exp)
    options = ("--set", f"{TINY} train.accumulate=1")
    said = two.run("train", *options, processes=2)
    assert "2 process(es), 1 batch(es)" in said and said.count("epoch 2: ") == 1
    curves = [
        json.loads((recipe.exp / "checkpoints" / "best.json").read_text())
        for recipe in (whole, two)
    ]
    for ours, theirs in zip(*curves, strict=True):
        assert ours == pytest.approx(theirs, abs=1e-4)
    assert "already done" in two.run("train", *options)


def test_one_batch_leaves_the_training_alone(whole: Recipe, tmp_path: Path) -> None:
    own = whole.copy(tmp_path / "own")
    settings = f"{TINY} train.one_batch=true model.dim=32 train.learning_rate=5e-3"
    assert "WER 0.0 %" in own.run("train", "--set", settings)
    for path in whole.exp.rglob("*"):
        if path.is_file():
            copied = own.exp / path.relative_to(whole.exp)
            assert copied.read_bytes() == path.read_bytes()
    said = own.run("tune", "--set", settings, code=2)
    assert "--stop-stage 6" in said and "Traceback" not in said


def test_fine_tuning_says_what_it_takes(whole: Recipe, tmp_path: Path) -> None:
    own = whole.copy(tmp_path / "own")
    options = ["--init-from", str(whole.exp / "averaged.pt")]
    options += ["--exp-dir", str(own.folder / "tuned")]
    deeper = f"{TINY} model.num_layers=2 train.max_epochs=1"
    said = own.run("train", *options, "--set", deeper)
    assert "begun anew: layers.1 (not in the file)" in said
    assert "weights taken: subsampling" in said and "output.weight" in said
    assert "already done" in own.run("train", *options, "--set", deeper)
    said = own.run("train", *options[2:], "--set", deeper)
    assert "init_from changed" in said and "training starts anew" in said


@pytest.mark.parametrize("until", ["decode_test/log_probs.h5", "decode_test/beam/text"])
def test_killed_decoding_gives_the_same_files(
    whole: Recipe, tmp_path: Path, until: str
) -> None:
    again = whole.copy(tmp_path / "again")
    shutil.rmtree(again.exp / "decode_test")
    again.kill_when("decode", (again.exp / until).exists)
    again.run("decode")
    for method in methods():
        for name in ("text", "ctm", "nbest.jsonl"):
            path = Path("decode_test") / method / name
            assert (again.exp / path).read_bytes() == (whole.exp / path).read_bytes()


def tone(path: Path, rate: int, channels: int = 1) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    wave = 0.1 * np.sin(np.arange(rate) * 0.05)
    soundfile.write(path, np.stack([wave] * channels, axis=1), rate)


def test_own_folder_with_some_transcripts_and_any_rate(
    whole: Recipe, tmp_path: Path
) -> None:
    own = whole.copy(tmp_path / "own")
    folder = tmp_path / "mydata"
    tone(folder / "audio" / "a.wav", 8000)
    tone(folder / "audio" / "b.flac", 44100, channels=2)
    (folder / "transcriptions").mkdir()
    (folder / "transcriptions" / "a.txt").write_text("Turn on, the light!")
    own.run("decode", "--test-dir", str(folder))
    said = own.run("score", "--test-dir", str(folder))
    for method in methods():
        predictions = own.exp / "decode_mydata" / method / "predictions"
        assert sorted(p.name for p in predictions.iterdir()) == ["a.txt", "b.txt"]
    assert (own.exp / "decode_mydata" / "ref").read_text() == "a TURN ON THE LIGHT\n"
    assert "1 utterances without transcript" in said
    assert "already done" in own.run("decode", "--test-dir", str(folder))


def say_nine_or_nive(log_probs: Path, tokens: Path) -> None:
    """Replace all log-probs by those of a word that is NINE, or, less likely, NIVE."""
    ids = {line.split()[0]: i for i, line in enumerate(tokens.open(encoding="utf-8"))}
    probs = np.full((15, len(ids)), 0.001)
    for place, token in enumerate("\u2581NI.E"):
        if token == ".":
            probs[3 * place : 3 * place + 2, [ids["N"], ids["V"]]] = 0.6, 0.3
        else:
            probs[3 * place : 3 * place + 2, ids[token]] = 0.9
        probs[3 * place + 2, ids["<blk>"]] = 0.9
    rows = np.log(probs / probs.sum(axis=1, keepdims=True)).astype(np.float32)
    with h5py.File(log_probs, "r+") as file:
        for name in list(file):
            attributes = dict(file[name].attrs)
            del file[name]
            file.create_dataset(name, data=rows).attrs.update(attributes)


@pytest.mark.parametrize("where", ["test", "mydata"])
def test_hot_words_are_found_and_word_times_written(
    whole: Recipe, tmp_path: Path, where: str
) -> None:
    own = whole.copy(tmp_path / "own")
    options = ["--decoders", "greedy beam beam-lm"]
    if where == "mydata":
        tone(tmp_path / "mydata" / "audio" / "my talk.wav", 16000)
        options += ["--test-dir", str(tmp_path / "mydata")]
    own.run("decode", *options)
    folder = own.exp / f"decode_{where}"
    for method in ("greedy", "beam", "beam-lm"):
        remove(folder / method)
    tokens = own.data / "lang_char" / "tokens.txt"
    say_nine_or_nive(folder / "log_probs.h5", tokens)
    remove(own.exp / ".done" / f"8-decode-{where}.json")

    def heard(*more: str) -> tuple[list[str], str]:
        said = own.run("decode", *options, *more)
        names = ("greedy", "beam", "beam-lm")
        lines = [(folder / name / "text").read_text().splitlines() for name in names]
        (texts,) = {
            tuple(line.split()[-1] for line in row) for row in zip(*lines, strict=True)
        }
        return list(texts), said

    assert heard()[0] == ["NINE"] * 3
    words = tmp_path / "words"
    words.write_text("# where a friend lives\nNive 12\n\u00c7a 3\n")
    texts, said = heard("--hotwords", str(words))
    assert texts == ["NINE", "NIVE", "NIVE"] and "greedy: already there" in said
    assert "hot words: beam, beam-lm listen for 1; greedy cannot\n" in said
    assert "hot words that cannot be found: \u00c7A (no tokens write them)" in said
    words.write_text("nive 12\n\u00e7a 3\n# the same words")
    assert "already done" in heard("--hotwords", str(words))[1]
    formats = ("--write", "textgrid srt")
    texts, said = heard("--hotwords", str(words), *formats)
    assert texts[1] == "NIVE" and said.count("already there") == 4
    name = "my talk" if where == "mydata" else sorted_ids(folder / "ref")[0]
    for method, text in (("greedy", "NINE"), ("beam-lm", "NIVE")):
        path = folder / method / "textgrid" / f"{name}.TextGrid"
        assert path.read_text().count(f'text = "{text}"') == 2
        path = folder / method / "srt" / f"{name}.srt"
        assert path.read_text().endswith(f"\n{text}\n")
    words.write_text("nive 0.1")
    texts, said = heard("--hotwords", str(words))
    assert texts == ["NINE"] * 3 and "hotwords changed from" in said
    words.write_text("nive 1\n?? 2")
    said = own.run("decode", *options, "--hotwords", str(words), code=2)
    assert f"error: {words}:2: no word in '?? 2'\n" in said
    words.write_text("nive")
    options[1] = "greedy"
    said = own.run("decode", *options, "--hotwords", str(words), code=2)
    assert "error: --hotwords: greedy cannot listen for words; --decoders" in said


def sorted_ids(text: Path) -> list[str]:
    return sorted(line.split()[0] for line in text.read_text().splitlines())


def test_own_folder_with_bad_files_decodes_and_scores_the_others(
    whole: Recipe, tmp_path: Path
) -> None:
    own = whole.copy(tmp_path / "own")
    audio = tmp_path / "mydata" / "audio"
    for name in ("good.wav", "sub/good.flac", "a b\u00e9.c.wav"):
        tone(audio / name, 16000)
    (audio / "bad.wav").write_bytes(b"RIFF but not a wave file")
    (audio / "empty.mp3").touch()
    soundfile.write(audio / "short.wav", np.zeros(50), 16000)
    transcripts = tmp_path / "mydata" / "transcriptions"
    transcripts.mkdir()
    (transcripts / "a b\u00e9.c.txt").write_text("one, TWO")
    (transcripts / "bad.txt").write_text("nobody's")
    options = ("--test-dir", str(tmp_path / "mydata"), "--decoders", "greedy beam")
    said = own.run("decode", *options, code=3)
    assert "not decoded: audio/bad.wav: " in said and "Traceback" not in said
    assert "not decoded: audio/empty.mp3: is empty (0 bytes)" in said
    assert "2 files of mydata could not be used" in said.splitlines()[-1]
    assert "1 of 4 files have one, 3 have none; rule 'upper'" in said
    names = ["a b\u00e9.c.txt", "good.txt", "short.txt", "sub_good.txt"]
    predictions = own.exp / "decode_mydata" / "greedy" / "predictions"
    assert sorted(p.name for p in predictions.iterdir()) == names
    assert "\t2\t" in results_of(own, *options)
    again = own.run("decode", *options, code=3)
    assert "already done" in again and "not decoded: audio/bad.wav: " in again


def results_of(recipe: Recipe, *options: str) -> str:
    recipe.run("score", *options)
    return (recipe.exp / "decode_mydata" / "results.tsv").read_text()


def test_own_folder_with_a_new_file_decodes_that_file(
    whole: Recipe, tmp_path: Path
) -> None:
    own, anew = (whole.copy(tmp_path / name) for name in ("own", "anew"))
    audio = tmp_path / "mydata" / "audio"
    for name, seconds in (("a.wav", 1), ("long.wav", 45)):
        wave = np.random.default_rng(seconds).uniform(-0.1, 0.1, 8000 * seconds)
        audio.mkdir(parents=True, exist_ok=True)
        soundfile.write(audio / name, wave, 8000)
    options = ("--test-dir", str(tmp_path / "mydata"), "--decoders", "greedy beam-lm")
    own.run("decode", *options)
    tone(audio / "b.wav", 16000)
    said = own.run("decode", *options)
    assert "log_probs.h5: 1 files, 1.0 s of audio" in said
    anew.run("decode", *options)
    for method in ("greedy", "beam-lm"):
        for name in ("text", "ctm", "nbest.jsonl", "predictions/long.txt"):
            path = Path("decode_mydata") / method / name
            assert (own.exp / path).read_bytes() == (anew.exp / path).read_bytes()
    ids = [
        json.loads(line)["id"]
        for line in (own.exp / "decode_mydata/beam-lm/nbest.jsonl").open()
    ]
    assert ids == ["a", "b", "long"]
    (audio / "b.wav").unlink()
    own.run("decode", *options[:2], "--decoders", "greedy")
    assert not (own.exp / "decode_mydata" / "beam-lm").exists()  # it has b
    tone(audio / "b.wav", 16000)
    own.run("decode", *options)
    said = own.run("decode", *options, "--channel", "1")
    assert "channel changed from None to 1" in said
    assert "3 files, 47.0 s of audio" in said and "already there" not in said
    said = own.run("decode", *options, "--channel", "2", code=3)
    assert "audio/a.wav: has 1 channel(s), and --channel is 2" in said


def test_exported_model_recognises_a_folder_without_the_rest(
    whole: Recipe, tmp_path: Path
) -> None:
    model, other = tmp_path / "model", Recipe(tmp_path / "other")
    assert "MiB" in whole.run("export", "--out", str(model), "--max-mb", "1")
    first = {p: p.read_bytes() for p in model.rglob("*") if p.is_file()}
    whole.run("export", "--out", str(model), "--max-mb", "1")
    assert {p: p.read_bytes() for p in model.rglob("*") if p.is_file()} == first
    tone(tmp_path / "mydata" / "audio" / "a.wav", 16000)
    options = ["--test-dir", str(tmp_path / "mydata"), "--model-dir", str(model)]
    command = ["--decoders", "greedy beam-lm hlg", "--set", ""]
    other.run("decode", *options, *command)
    own = whole.copy(tmp_path / "own")
    own.run("decode", *options[:2], "--decoders", "greedy beam-lm hlg")
    for method in ("greedy", "beam-lm", "hlg"):
        path = Path("decode_mydata") / method / "predictions" / "a.txt"
        assert (other.exp / path).read_bytes() == (own.exp / path).read_bytes()
    assert "already done" in other.run("decode", *options, *command)
    assert "nothing to score" in other.run("score", *options, *command)
    (model / "decode.yaml").write_text("lm_weight: 0.1")
    again = Recipe(tmp_path / "again")
    said = again.run("decode", *options, *command, code=1)
    assert "decode.yaml: not the file that manifest.json names" in said


def test_pictures_of_a_test_set_and_of_a_long_recording(
    whole: Recipe, tmp_path: Path
) -> None:
    own = whole.copy(tmp_path / "own")
    said = own.run("pictures", "--out", str(tmp_path / "out"))
    names = ["emissions.png", "nbest.png", "spectrogram.png", "words.png"]
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == names
    first = (own.exp / "decode_test" / "ref").read_text().split()[0]
    assert said.startswith(f"{first}: pictures in ")
    audio = tmp_path / "mydata" / "audio"
    audio.mkdir(parents=True)
    wave = np.random.default_rng(0).uniform(-0.1, 0.1, 8000 * 45)
    soundfile.write(audio / "a b.wav", wave, 8000)
    folder = ("--test-dir", str(tmp_path / "mydata"))
    said = own.run("pictures", *folder, code=1)
    assert "run the decode stage (8) first" in said
    own.run("decode", *folder, "--decoders", "greedy")
    own.run("pictures", *folder)
    target = own.exp / "decode_mydata" / "pictures" / "a_b"
    assert sorted(p.name for p in target.iterdir()) == names
    said = own.run("pictures", *folder, "--utt", "ab", code=2)
    assert "the nearest id is a_b" in said and "Traceback" not in said


def test_own_folder_without_audio_is_one_line(whole: Recipe, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    said = whole.run("decode", "--test-dir", str(tmp_path / "empty"), code=1)
    assert "no audio files" in said and "Traceback" not in said


def test_changed_transcript_is_scored_again(whole: Recipe, tmp_path: Path) -> None:
    own = whole.copy(tmp_path / "own")
    tone(tmp_path / "two" / "audio" / "a.wav", 16000)
    text = tmp_path / "two" / "transcriptions" / "a.txt"
    text.parent.mkdir()
    for words in (3, 2):
        text.write_text("ONE " * words)
        said = own.run("decode", "--test-dir", str(text.parent.parent))
        assert ("test_dir changed (1 other content: a.txt)" in said) == (words == 2)
        own.run("score", "--test-dir", str(text.parent.parent))
        table = (own.exp / "decode_two" / "results.tsv").read_text()
        assert f"\t{words}\t" in table.splitlines()[1]


def test_own_folder_without_any_transcript(whole: Recipe, tmp_path: Path) -> None:
    own = whole.copy(tmp_path / "own")
    tone(tmp_path / "plain" / "audio" / "a.wav", 16000)
    own.run("decode", "--test-dir", str(tmp_path / "plain"))
    said = own.run("score", "--test-dir", str(tmp_path / "plain"))
    assert "nothing to score" in said
