"""KenLM's programs: their results, their failures and their patience."""

from pathlib import Path

import pytest

from asr.errors import RecipeError
from asr.lm import kenlm_tools
from asr.lm.kenlm_tools import build_binary, find_tool
from asr.lm.ngram import NgramLm
from asr.lm.train_ngram import train_ngram

TEXT = "A B C\nA B\nB C A\n"


@pytest.mark.skipif(find_tool("build_binary") is None, reason="not installed")
@pytest.mark.parametrize("kind", ["trie", "probing"])
def test_binary_scores_like_the_arpa(tmp_path: Path, kind: str) -> None:
    text, arpa, binary = (tmp_path / n for n in ("text", "lm.arpa", "lm.bin"))
    text.write_text(TEXT * 5)
    train_ngram(text, arpa, 3, [0], None)
    program = find_tool("build_binary")
    assert program is not None
    build_binary(program, arpa, binary, kind)
    expected = NgramLm(arpa).sentence("A B X C".split())
    assert NgramLm(binary).sentence("A B X C".split()) == pytest.approx(expected)
    arpa.write_text("broken")
    with pytest.raises(RecipeError, match="build_binary failed"):
        build_binary(program, arpa, tmp_path / "other.bin", kind)
    with pytest.raises(RecipeError, match="choose trie or probing"):
        build_binary(program, arpa, binary, "tree")


def test_failing_lmplz_is_one_line(tmp_path: Path) -> None:
    program = tmp_path / "lmplz"
    program.write_text("#!/bin/sh\necho first >&2\necho no space left >&2\nexit 1\n")
    program.chmod(0o755)
    text = tmp_path / "text"
    text.write_text(TEXT)
    with pytest.raises(RecipeError, match="lmplz failed on .*text: no space left"):
        train_ngram(text, tmp_path / "lm.arpa", 3, [0], program)
    assert not (tmp_path / "lm.arpa").exists()


def test_long_runs_print_lines(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(kenlm_tools, "SECONDS_BETWEEN_LINES", 0.05)
    program = tmp_path / "lmplz"
    program.write_text("#!/bin/sh\nsleep 0.2\nexit 1\n")
    program.chmod(0o755)
    with pytest.raises(RecipeError, match="it said nothing"):
        train_ngram(tmp_path / "text", tmp_path / "lm.arpa", 3, [0], program)
    assert capsys.readouterr().out.startswith("lmplz: 0 s\nlmplz: 0 s\n")
