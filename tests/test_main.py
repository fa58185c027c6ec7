"""The command line: one clear line for every mistake."""

from pathlib import Path

import pytest

from asr.__main__ import main


def said(capsys: pytest.CaptureFixture[str]) -> str:
    captured = capsys.readouterr()
    assert captured.err.startswith("error: ")
    assert captured.err.count("\n") == 1
    return captured.err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--corpus", "nowhere"], "known are an4"),
        (["--model", "hmm"], "known models are"),
        (["--nj", "0"], "at least 1"),
        (["--decoders", "viterbi"], "known are greedy"),
        (["--test-dir", "no/such/folder"], "no such folder"),
        (["--model-dir", "/"], "is for stages 8 and 9"),
        (["--channel", "1"], "of the files of --test-dir"),
        (["--set", "lm.ordr=3"], "lm.order"),
        (["--set", "lm.order='3"], "No closing quotation"),
        (["--init-from", "no/such/file"], "no such file"),
        (["--set", "train.one_batch=true"], "--stop-stage 6"),
    ],
)
def test_wrong_values(
    options: list[str],
    words: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)  # where there is nothing
    assert main(["lm", "--corpus", "an4", *options]) == 2
    assert words in said(capsys)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ["train", "--stage", "6"],
            "local/train.sh: unrecognized arguments: --stage 6",
        ),
        (["train", "--nj", "x"], "argument --nj: invalid int value: 'x'"),
        (["export"], "local/export.sh: the following arguments are required: --out"),
        (["trian"], "invalid choice: 'trian' (choose from 'download'"),
        ([], "the following arguments are required: stage"),
    ],
)
def test_options_that_are_not_there_are_one_line(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    assert words in (line := said(capsys)) and "--help shows the options" in line
    assert ("--stage is for run.sh" in line) == ("--stage" in arguments)


@pytest.mark.parametrize(
    ("command", "does"),
    [
        ("train", "Stage 6: train the acoustic model."),
        ("export", "The trained model as a folder that needs nothing else."),
    ],
)
def test_help_names_the_script_and_what_it_does(
    command: str, does: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main([command, "--help"])
    assert stopped.value.code == 0
    told = capsys.readouterr().out
    assert told.startswith(f"usage: local/{command}.sh [OPTIONS]\n\n{does}\n")
    assert "--data-dir" in told and "SUPPRESS" not in told


@pytest.mark.parametrize(
    "stage", ["manifests", "fbank", "tokenizer", "lm", "graph", "train", "tune"]
)
def test_stage_before_its_inputs_says_which_to_run(
    stage: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folders = ["--data-dir", str(tmp_path / "d"), "--exp-dir", str(tmp_path / "e")]
    assert main([stage, "--corpus", "an4", *folders]) == 1
    assert "is not done; run ./run.sh --stage" in said(capsys)
    assert not list(tmp_path.iterdir())


def test_a_file_where_a_folder_should_be_is_one_clear_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    import asr.bin.download

    monkeypatch.setattr(asr.bin.download, "run", lambda job: None)
    (tmp_path / "file").write_text("x")
    folders = ["--data-dir", str(tmp_path / "file"), "--exp-dir", str(tmp_path / "e")]
    assert main(["download", "--corpus", "an4", *folders]) == 1
    assert f"{tmp_path}/file" in (line := said(capsys)) and "not a directory" in line


def test_full_disk_is_one_clear_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    import asr.bin.download

    def full(job: object) -> None:
        with open("/dev/full", "w") as file:
            file.write("x" * 100000)

    monkeypatch.setattr(asr.bin.download, "run", full)
    folders = ["--data-dir", str(tmp_path / "d"), "--exp-dir", str(tmp_path / "e")]
    assert main(["download", "--corpus", "an4", *folders]) == 1
    assert "the disk is full" in said(capsys)
    assert not list(tmp_path.rglob("*.json"))
