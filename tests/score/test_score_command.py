"""``local/score.sh REF HYP [OUT]``, and what it says of wrong calls."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from asr.__main__ import main
from asr.bin.score_files import build_parser

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def texts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    data = tmp_path / "data"
    data.mkdir()
    (data / "text").write_text("u1 A B C D\nu2 E\n")
    (data / "utt2spk").write_text("u1 ann\nu2 bob\n")
    (tmp_path / "hyp").write_text("u1 A B D\nu2 F\nu3 G\n")
    (tmp_path / "hyp2").write_text("u1 A B C D\nu2 E\n")
    return tmp_path


def say(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    assert main(["score", *arguments]) == 0
    return capsys.readouterr().out.splitlines()


def test_rates_are_printed_and_the_place_of_the_files_is_named(
    texts: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert say(capsys, "data", "hyp") == [
        "%WER 40.00 [ 2 / 5, 0 ins, 1 del, 1 sub ]",
        "%CER 37.50 [ 3 / 8, 0 ins, 2 del, 1 sub ]",
        "2 utterances, texts as they are",
        "1 without reference, not scored: u3",
        f"written: {texts}/scoring_hyp/{{cer,scoring/,wer}}",
    ]
    out = texts / "scoring_hyp"
    assert "u1 op   C  C  D    C" in (out / "scoring" / "per_utt").read_text()
    assert "bob" in (out / "scoring" / "per_spk").read_text()
    assert not (out / "scoring" / "cer").exists()


def test_out_and_options(texts: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = say(capsys, "--cer", "--per-speaker", "data", "hyp", "deep/out")
    assert [line.split()[0] for line in said if "raw" in line] == ["ann", "bob", "SUM"]
    assert said[-1] == "written: deep/out/{cer,scoring/,wer}"
    assert not (texts / "scoring_hyp").exists()
    assert (texts / "deep/out/scoring/cer/ops").is_file()


def test_two_hypotheses(texts: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = say(capsys, "data", "hyp", "out", "--compare", "hyp2")
    file = (texts / "out/scoring/wer_bootci").read_text().splitlines()
    assert said[2] == "Set1 is hyp, Set2 is hyp2:"
    assert said[3:7] == file
    assert re.match(r"Set2: %WER 0.00 95% Conf Interval \[ 0.00, 0.00 \]", file[1])
    assert re.match(
        r"Set2 - Set1: %WER -40.00 95% Conf Interval \[ -100.00, -25.00 \] p = 0.0",
        file[3],
    )


def test_later_steps_leave_the_files_of_earlier_ones(
    texts: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    say(capsys, "data", "hyp", "out")
    for name in "wer", "scoring/per_utt", "cer":
        (texts / "out" / name).write_text("old")
    assert say(capsys, "--stage", "2", "data", "hyp", "out")[0].startswith("%CER")
    assert (texts / "out/scoring/per_utt").read_text() == "old"
    assert (texts / "out/cer").read_text().startswith("%CER")
    say(capsys, "--stage", "1", "data", "hyp", "out")
    assert (texts / "out/scoring/per_utt").read_text() != "old"
    assert (texts / "out/wer").read_text() == "old"


def test_differently_written_texts_are_noticed(
    texts: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (texts / "cased").write_text("u1 A b, c d.\nu2 E\n")
    said = say(capsys, "cased", "hyp2", "out")
    assert said[0].startswith("%WER 60.00") and "--normalize upper" in said[2]
    said = say(capsys, "--normalize", "upper", "cased", "hyp2", "out")
    assert said[0].startswith("%WER 0.00")
    assert said[2] == "2 utterances, both sides by the rule 'upper'"


def test_nothing_recognised_at_all(
    texts: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (texts / "silence").write_text("u1\nu2\n")
    said = say(capsys, "data", "silence", "out")
    assert said[0] == "%WER 100.00 [ 5 / 5, 0 ins, 5 del, 0 sub ]"
    assert said[2] == "2 utterances, texts as they are"
    said = say(capsys, "silence", "hyp2", "out")
    assert said[0] == "%WER 100.00 [ 5 / 0, 5 ins, 0 del, 0 sub ]"
    assert said[2] == "2 utterances, all references empty, texts as they are"


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["data", "absent"], 1, "absent: no such file or folder"),
        (["data"], 2, "usage: local/score.sh [OPTIONS] REF HYP [OUT]"),
        (["data", "hyp", "out", "more"], 2, "more; usage:"),
        (["--loud", "data", "hyp"], 2, "--loud; usage:"),
        (["--stage", "9", "data", "hyp"], 2, "invalid choice: 9"),
        (["--normalize", "x", "data", "hyp"], 2, "invalid choice: 'x'"),
        (["hyp", "data"], 1, "no hypothesis for u3: 1 of 3 references"),
        (["--per-speaker", "hyp2", "hyp"], 2, "no utt2spk beside hyp2 or hyp"),
        (["--utt2spk", "few", "data", "hyp"], 1, "no speaker for u2"),
        (["data", "hyp", "hyp2/out"], 1, "hyp2"),
        (["--corpus", "nowhere"], 2, "known are"),
    ],
)
def test_wrong_calls_are_one_line(
    texts: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    code: int,
    words: str,
) -> None:
    (texts / "few").write_text("u1 ann\n")
    assert main(["score", *arguments]) == code
    said = capsys.readouterr().err
    assert said.startswith("error: ") and said.count("\n") == 1
    assert words in said


def test_an_incomplete_utt2spk_is_no_matter_unless_asked_for(
    texts: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (texts / "data" / "utt2spk").write_text("u1 ann\n")
    say(capsys, "data", "hyp", "out")
    assert not (texts / "out/scoring/per_spk").exists()


def run(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, env=os.environ | environment, capture_output=True, text=True
    )


def test_help_tells_all_options_without_installing_anything(tmp_path: Path) -> None:
    done = run(
        f"{ROOT}/local/score.sh", "--cer", "--help", ASR_CACHE=str(tmp_path / "cache")
    )
    assert done.returncode == 0 and not (tmp_path / "cache").exists()
    assert done.stdout.startswith("Usage: local/score.sh [OPTIONS] REF HYP [OUT]")
    usage = re.sub(r"^usage: .*?(?=\[)", "", build_parser().format_usage())
    told = set(re.findall(r"^  (--[a-z0-9-]+)", done.stdout, re.MULTILINE))
    assert told == set(re.findall(r"--[a-z0-9-]+", usage))


def test_calc_metrics_is_a_script_too(texts: Path) -> None:
    script = str(ROOT / "calc_metrics.py")
    done = run(sys.executable, script, "data", "hyp", "out")
    assert done.stdout.startswith("%WER 40.00"), done.stderr
    assert (texts / "out" / "cer").is_file()
    assert "python calc_metrics.py REF HYP" in run(sys.executable, script, "-h").stdout
    assert run(sys.executable, script).returncode == 2
