"""``decode_log_probs`` on files made as other toolkits make them."""

import fcntl
import json
import os
from pathlib import Path

import h5py
import numpy as np
import pytest

from asr.__main__ import main
from asr.decode.methods import BOUNDS
from asr.lm.train_ngram import train_kneser_ney, write_arpa
from asr.score.results import COLUMNS
from tests.decode.toolkits import (
    DEV,
    REFS,
    TOOLKITS,
    WORDS,
    Toolkit,
    matrix,
    write_files,
)

SHIFT = 0.02


@pytest.fixture(scope="module")
def lm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("lm") / "2gram.arpa"
    texts = [*REFS.values(), *DEV.values(), *WORDS] * 3
    write_arpa(train_kneser_ney([t.split() for t in texts], 2, [0, 0]), path)
    return path


def command(paths: dict[str, Path], out: Path, *options: object) -> list[str]:
    words = ["decode_log_probs", "--log-probs", paths["log_probs.h5"]]
    words += ["--tokens", paths["tokens.txt"], "--out", out, *options]
    return [str(word) for word in words]


def blank_of(name: str) -> list[object]:
    return ["--blank", 9] if name == "nemo" else []  # its tokens.txt has none


@pytest.mark.parametrize("name", TOOLKITS)
@pytest.mark.parametrize("method", ["greedy", "beam", "beam-lm", "hlg"])
def test_every_toolkit_and_method(
    name: str, method: str, lm: Path, tmp_path: Path
) -> None:
    options: list[object] = ["--method", method, "--frame-shift", SHIFT]
    if method == "hlg":
        pytest.importorskip("k2")
    if method in ("beam-lm", "hlg"):
        options += ["--lm", lm]
    paths = write_files(TOOLKITS[name], REFS, tmp_path / "in")
    out = tmp_path / "out"
    options += ["--refs", paths["text"], "--nbest", 3]
    assert main(command(paths, out, *options, *blank_of(name))) == 0
    expected = sorted(f"{id_} {text}\n" for id_, text in REFS.items())
    assert (out / "text").read_text() == "".join(expected)
    head, row = (
        line.split("\t") for line in (out / "results.tsv").read_text().splitlines()
    )
    assert tuple(head) == COLUMNS and row[:3] == [method, "0.00", "0.00"]
    kit = TOOLKITS[name]
    for line in (out / "nbest.jsonl").read_text().splitlines():
        best = json.loads(line)["nbest"][0]
        ids = kit.spell(REFS[json.loads(line)["id"]])
        if method != "hlg":
            assert [kit.tokens.index(token) for token in best["tokens"]] == ids
        check_times(best["words"], ids, kit.tokens)
    seconds = sum(3 * SHIFT * len(kit.spell(text)) for text in REFS.values())
    timing = json.loads((out / "timing.json").read_text())
    assert timing["audio_seconds"] == pytest.approx(seconds, abs=1e-3)
    left = {"ctm", "nbest.jsonl", "text", "timing.json"}
    left |= {"cer", "results.tsv", "scoring", "wer"}
    assert {p.name for p in out.iterdir()} == left | {"lang"}


def check_times(
    words: list[dict[str, float]], ids: list[int], tokens: tuple[str, ...]
) -> None:
    """Token n is heard in rows 3 n and 3 n + 1; a space belongs to no word."""
    spoken: list[list[int]] = [[]]
    for n, token in enumerate(tokens[i] for i in ids):
        if token in ("|", "<space>", " ") or token.startswith("▁"):
            spoken.append([])
        if token not in ("|", "<space>", " "):
            spoken[-1].append(n)
    expected = [(3 * n[0] * SHIFT, (3 * n[-1] + 2) * SHIFT) for n in spoken if n]
    assert len(words) == len(expected)
    for word, (start, end) in zip(words, expected, strict=True):
        assert word["start"] == pytest.approx(start, abs=SHIFT + 1e-6)
        assert word["end"] == pytest.approx(end, abs=SHIFT + 1e-6)
        assert 0.5 < word["confidence"] <= 1


def test_default_method_and_ctm(lm: Path, tmp_path: Path) -> None:
    paths = write_files(TOOLKITS["espnet"], {"u": "NO ONE"}, tmp_path / "in")
    for method, options in (("beam", []), ("beam-lm", ["--lm", lm])):
        out = tmp_path / method
        assert main(command(paths, out, *options)) == 0
        assert json.loads((out / "timing.json").read_text())["method"] == method
        assert not (out / "results.tsv").exists()
        rows = [line.split() for line in (out / "ctm").read_text().splitlines()]
        assert [(r[0], r[1], r[4]) for r in rows] == [
            ("u", "1", "NO"),
            ("u", "1", "ONE"),
        ]
        times = [(float(r[2]), float(r[3])) for r in rows]
        # N N _ O O _ space space _ O O _ N N _ E E _, 0.04 s each
        assert times == [pytest.approx((0.0, 0.2)), pytest.approx((0.36, 0.32))]


def test_an_lm_of_another_case_is_noticed(
    lm: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lower = tmp_path / "lower.arpa"
    write_arpa(train_kneser_ney([["no", "one"]] * 3, 2, [0, 0]), lower)
    paths = write_files(TOOLKITS["icefall"], REFS, tmp_path / "in")
    for file, count in ((lm, 0), (lower, 1)):
        assert main(command(paths, tmp_path / "out", "--lm", file)) == 0
        assert capsys.readouterr().out.count("does not know 7 of the 7") == count


@pytest.mark.parametrize("method", ["beam-lm", "hlg"])
def test_scales_are_tuned_on_other_utterances_and_printed(
    method: str, lm: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    if method == "hlg":
        pytest.importorskip("k2")
    kit = TOOLKITS["huggingface"]
    paths = write_files(kit, REFS, tmp_path / "in")
    dev = write_files(kit, DEV, tmp_path / "dev")
    tune = ["--tune-log-probs", dev["log_probs.h5"], "--tune-refs", dev["text"]]
    options = ["--lm", lm, "--method", method, "--nj", 1]
    assert main(command(paths, tmp_path / "out", *options, *tune)) == 0
    said = capfd.readouterr().out
    (chosen,) = (line for line in said.splitlines() if ": chosen on " in line)
    used = json.loads((tmp_path / "out" / "timing.json").read_text())["options"]
    scale = "lm_weight" if method == "beam-lm" else "hlg_scale"
    assert f"{scale} {used[scale]:g}" in chosen
    assert (tmp_path / "out" / f"{method}_scales.png").is_file()
    if method == "hlg":  # compiled for tuning, kept for decoding
        assert said.count("HLG: ") == 1 and said.count("already there") == 1
        by_hand = ["--lm-weight", used[scale]]
        assert main(command(paths, tmp_path / "out", *options, *by_hand)) == 0
        assert capfd.readouterr().out.count("already there") == 1
        again = json.loads((tmp_path / "out" / "timing.json").read_text())["options"]
        assert again == used
    else:
        names = ("lm_weight", "word_score", "unk_score", *BOUNDS)
        by_hand = [x for n in names for x in (f"--{n.replace('_', '-')}", used[n])]
        assert all(f"{name} {used[name]:g}" in chosen for name in names)
        out = tmp_path / "again"
        assert main(command(paths, out, *options, *by_hand)) == 0
        first = (tmp_path / "out" / "nbest.jsonl").read_bytes()
        assert (out / "nbest.jsonl").read_bytes() == first


PHONES = Toolkit(("<blk>", "<unk>", "EH", "N", "OW", "W", "AH"), 0, None)
SAID = {"NEON": "N EH OW N", "NO": "N OW", "ON": "OW N", "ONE": "W AH N"}


def test_phones_show_words_by_a_lexicon_alone(
    lm: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("kaldi_decoder")
    text = {"a": "NO ONE", "b": "ON NEON NO"}
    spoken = {
        i: [p for w in t.split() for p in SAID[w].split()] for i, t in text.items()
    }
    with h5py.File(tmp_path / "x.h5", "w") as file:
        for id_, phones in spoken.items():
            ids = [PHONES.tokens.index(phone) for phone in phones]
            file[id_] = matrix(PHONES, ids, np.random.default_rng(2))
    lines = (f"{t} {i}\n" for i, t in enumerate(PHONES.tokens))
    (tmp_path / "tokens.txt").write_text("".join(lines))
    paths = {"log_probs.h5": tmp_path / "x.h5", "tokens.txt": tmp_path / "tokens.txt"}
    out, note = tmp_path / "out", "one word an utterance; --method hlg with --lexicon"
    assert main(command(paths, out, "--method", "greedy")) == 0
    assert (out / "text").read_text() == "".join(
        f"{i} {''.join(phones)}\n" for i, phones in spoken.items()
    )
    assert note in capsys.readouterr().out
    assert main(command(paths, out, "--lm", lm)) == 0  # beam-lm, without words
    said = capsys.readouterr().out
    assert note in said and "does not know" not in said  # once is enough
    (tmp_path / "lexicon.txt").write_text(
        "".join(f"{w} {p}\n" for w, p in SAID.items())
    )
    options = ["--method", "hlg", "--lm", lm, "--lexicon", tmp_path / "lexicon.txt"]
    assert main(command(paths, out, *options)) == 0
    assert (out / "text").read_text() == "".join(f"{i} {t}\n" for i, t in text.items())
    assert note not in capsys.readouterr().out


def test_a_lexicon_of_ones_own(lm: Path, tmp_path: Path) -> None:
    """NO cannot be recognised if it is not in it; ONE is spelled otherwise."""
    pytest.importorskip("k2")
    paths = write_files(TOOLKITS["huggingface"], {"u": "NO ONE"}, tmp_path / "in")
    lexicon = tmp_path / "lexicon.txt"
    lexicon.write_text("ON O N |\nONE N O |\nNEON N E O N\n")
    options = ["--lm", lm, "--method", "hlg", "--lexicon", lexicon]
    assert main(command(paths, tmp_path / "out", *options)) == 0
    words = (tmp_path / "out" / "text").read_text().split()[1:]
    assert words[0] == "ONE" and "NO" not in words


def edit(paths: dict[str, Path], id_: str, rows: np.ndarray) -> None:
    with h5py.File(paths["log_probs.h5"], "a") as file:
        del file[id_]
        file.create_dataset(id_, data=rows)


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (np.zeros((4, 8, 1)), "of shape (4, 8, 1), need floats of shape (frames, 8)"),
        (np.zeros((4, 7)), "shape (4, 7), need floats of shape (frames, 8)"),
        (np.zeros((4, 8), dtype=np.int64), "is int64 of shape"),
        (np.full((4, 8), np.nan), "contains NaN"),
        (np.full((4, 8), -np.inf), "row 0: its probabilities add up to 0, not 1"),
        (np.full((4, 8), 1 / 8), "these are probabilities"),
        (np.full((4, 8), np.log10(1 / 8)), "of base 10"),
        (np.full((4, 8), 30.0), "log_softmax"),
    ],
)
def test_wrong_matrices_are_one_clear_line(
    rows: np.ndarray, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = write_files(TOOLKITS["huggingface"], REFS, tmp_path / "in")
    edit(paths, "b-1", rows)
    assert main(command(paths, tmp_path / "out")) == 1
    line = capsys.readouterr().err
    assert line.count("\n") == 1 and "utterance b-1" in line and words in line
    assert {p.name for p in (tmp_path / "out").iterdir()} <= {"lang"}


def test_half_precision_and_no_frames_are_right(tmp_path: Path) -> None:
    paths = write_files(TOOLKITS["huggingface"], REFS, tmp_path / "in")
    flat = np.full((6, 8), np.log(1 / 8)).astype(np.float16)
    edit(paths, "b-1", flat)
    edit(paths, "a-2", flat[:0])
    assert main(command(paths, tmp_path / "out", "--method", "greedy")) == 0
    assert "a-2\n" in (tmp_path / "out" / "text").read_text()


def test_files_that_do_not_fit_are_one_clear_line(
    lm: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = write_files(TOOLKITS["huggingface"], REFS, tmp_path / "in")
    nemo = write_files(TOOLKITS["nemo"], REFS, tmp_path / "nemo")
    short, more = tmp_path / "short", tmp_path / "more"
    short.write_text("b-1 NO ONE\n")
    more.write_text(paths["text"].read_text() + "x NO\ny NO\n")
    other, empty, text = tmp_path / "other.arpa", tmp_path / "0.h5", tmp_path / "t"
    write_arpa(train_kneser_ney([["é", "ö"]] * 3, 2, [0, 0]), other)
    h5py.File(empty, "w").close()
    text.write_text("A zero\n")
    spaced = tmp_path / "spaced.h5"
    with h5py.File(spaced, "w") as file:
        file["a 1"] = np.zeros((2, 3), np.float32)
    tokens = {**paths, "tokens.txt": text}
    for given, options, code, words in (
        (paths, ["--refs", short], 1, f"{short} has no utterance a-10 and 2 more"),
        (paths, ["--refs", more], 1, "log_probs.h5 has no utterance x and 1 more"),
        (paths, ["--refs", tmp_path / "no"], 1, "no such file"),
        (nemo, [], 1, "no blank (<blk>"),
        (nemo, ["--blank", 10], 1, "--blank 10: "),
        (nemo, ["--blank", 0], 1, "no token, give --blank 9"),
        (tokens, [], 1, "line 1: not 'token id': A zero"),
        ({**paths, "log_probs.h5": empty}, [], 1, "no datasets"),
        ({**paths, "log_probs.h5": text}, [], 1, "not an HDF5 file"),
        ({**paths, "log_probs.h5": tmp_path / "no"}, [], 1, "no such file of log"),
        ({**paths, "tokens.txt": tmp_path / "no"}, [], 1, "no such file of tokens"),
        (paths, ["--lm", tmp_path / "no"], 2, "no such file"),
        (paths, ["--method", "beam-lm"], 2, "needs --lm"),
        (paths, ["--method", "greedy", "--lm", lm], 2, "uses no --lm"),
        (paths, ["--lm", lm, "--lexicon", text], 2, "--lexicon is for hlg"),
        (paths, ["--lm", lm, "--tune-refs", text], 2, "belong together"),
        (paths, ["--lm-weight", 1], 2, "has no --lm-weight"),
        (paths, ["--beam-size", 0], 2, "at least 1"),
        (paths, ["--frame-shift", 0], 2, "above 0"),
        (paths, ["--frame-shift", "nan"], 2, "above 0"),
        (paths, ["--lm", lm, "--lm-weight", "nan"], 2, "--lm-weight nan"),
        (paths, ["--method", "greedy", "--beam-size", 3], 2, "has no --beam-size"),
        (paths, ["--method", "hlg", "--lm", lm, "--lm-weight", -1], 2, "0 or more"),
        ({**paths, "log_probs.h5": spaced}, [], 1, "'a 1' has a space"),
        (paths, ["--method", "hlg", "--lm", text], 1, "is no ARPA file"),
        (paths, ["--method", "hlg", "--lm", other], 1, "no word of the LM"),
    ):
        assert main(command(given, tmp_path / "out", *options)) == code, words
        line = capsys.readouterr().err
        assert line.startswith("error: ") and line.count("\n") == 1
        assert words in line


def test_a_folder_is_for_one_command_at_a_time(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = write_files(TOOLKITS["huggingface"], REFS, tmp_path / "in")
    wanted = command(paths, tmp_path / "out", "--method", "greedy")
    (tmp_path / "out").mkdir()
    folder = os.open(tmp_path / "out", os.O_RDONLY)
    fcntl.flock(folder, fcntl.LOCK_EX)
    assert main(wanted) == 2
    os.close(folder)
    assert "another command is writing there" in capsys.readouterr().err
    assert main(wanted) == 0


def test_what_another_model_left_is_not_used(lm: Path, tmp_path: Path) -> None:
    """Its lexicon would time the words, its graph be searched."""
    pytest.importorskip("kaldi_decoder")
    paths = write_files(TOOLKITS["huggingface"], REFS, tmp_path / "in")
    out = tmp_path / "out"
    assert main(command(paths, out, "--method", "hlg", "--lm", lm)) == 0
    assert (out / "lang" / "HLG.pt").is_file()
    other = write_files(TOOLKITS["icefall"], REFS, tmp_path / "other")
    assert main(command(other, out, "--method", "greedy", "--refs", other["text"])) == 0
    assert not (out / "lang" / "HLG.pt").exists()
    assert "\t0.00\t" in (out / "results.tsv").read_text()


def test_a_damaged_graph_is_one_line(
    lm: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("kaldi_decoder")
    paths = write_files(TOOLKITS["huggingface"], REFS, tmp_path / "in")
    wanted = command(paths, tmp_path / "out", "--method", "hlg", "--lm", lm)
    assert main(wanted) == 0
    graph = tmp_path / "out" / "lang" / "HLG.pt"
    content = graph.read_bytes()
    graph.write_bytes(content[: len(content) // 2])
    capsys.readouterr()
    assert main(wanted) == 1
    assert "HLG.pt is damaged: delete it" in capsys.readouterr().err
    graph.unlink()
    assert main(wanted) == 0


def test_hot_words_and_word_times(
    lm: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """EON is heard as NEON, which the n-gram knows, unless it is expected."""
    kit = TOOLKITS["espnet"]
    paths = write_files(kit, {"spk/c": "NEON"}, tmp_path / "in")
    with h5py.File(paths["log_probs.h5"], "r+") as file:
        rows = file["spk/c"][()].astype(np.float64)
        rows[:2] = np.logaddexp(rows[:2], rows[2] - 0.5)  # N, or nothing
        rows -= np.logaddexp.reduce(rows, axis=1, keepdims=True)
        del file["spk/c"]
        file["spk/c"] = rows.astype(np.float32)
    (tmp_path / "words").write_text("EON 9\nONE -3\n")
    for options, text in (([], "NEON"), (["--hotwords", tmp_path / "words"], "EON")):
        out = tmp_path / text
        options = ["--lm", lm, "--write", "srt vtt textgrid", *options]
        assert main(command(paths, out, *options)) == 0
        assert (out / "text").read_text() == f"spk/c {text}\n"
        assert (out / "srt" / "spk%2Fc.srt").read_text().endswith(f"\n{text}\n")
        assert {p.name for p in (out / "textgrid").iterdir()} == {"spk%2Fc.TextGrid"}
    assert main(command(paths, out)) == 0  # what was asked for before is gone
    assert not (out / "srt").exists() and not (out / "vtt").exists()
    capsys.readouterr()
    wrong = ["--hotwords", tmp_path / "words", "--method", "greedy"]
    for options in (wrong, ["--write", "sub"], ["--hotwords", tmp_path / "none"]):
        assert main(command(paths, out, *options)) == 2
    said = capsys.readouterr().err.splitlines()
    assert said[0].endswith("for beam and beam-lm, and greedy cannot listen for words")
    assert said[1] == "error: --write sub: known are srt, vtt, textgrid"
    assert said[2].endswith("none: no such file or directory") and len(said) == 3


def test_help_and_wrong_options(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["decode_log_probs", "--help"])
    said = capsys.readouterr().out
    assert stopped.value.code == 0
    assert said.startswith("usage: local/decode_log_probs.sh --log-probs FILE.h5")
    for option in ("--tune-log-probs", "--frame-shift", "--blank", "--lexicon"):
        assert option in said
    with pytest.raises(SystemExit) as stopped:
        main(["decode_log_probs", "--log-prob", "x"])
    assert stopped.value.code == 2
