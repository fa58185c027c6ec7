"""``calc_metrics`` on folders, mappings and lists."""

from pathlib import Path

import pytest

from asr.errors import RecipeError
from asr.score.calc_metrics import calc_metrics
from asr.score.error_rate import ErrorRate

REFS = {"a": "one two three", "b": "four", "c": ""}
HYPS = {"a": "one too three", "b": "four", "c": "", "d": "never heard"}


def folder(path: Path, texts: dict[str, str]) -> Path:
    path.mkdir()
    for id_, text in texts.items():
        (path / f"{id_}.txt").write_text(text + "\n")
    return path


def test_folders_mappings_and_lists(tmp_path: Path) -> None:
    refs, hyps = folder(tmp_path / "refs", REFS), folder(tmp_path / "hyps", HYPS)
    found = calc_metrics(refs, str(hyps))
    assert found == calc_metrics(REFS, HYPS)
    assert found.words == ErrorRate(0, 0, 1, 4)
    assert found.characters == ErrorRate(0, 0, 1, 17)
    assert (found.wer, found.cer) == pytest.approx((0.25, 1 / 17))
    assert (found.utterances, found.wrong, found.unscored) == (3, 1, ("d",))
    assert str(found).startswith("%WER 25.00 [ 1 / 4, 0 ins, 0 del, 1 sub ]\n%CER 5.88")
    listed = calc_metrics(list(REFS.values()), list(HYPS.values())[:3])
    assert listed.words == found.words


def test_rules_are_applied_to_both_sides() -> None:
    refs, hyps = ["Don\u2019t stop, now!"], ["DON'T STOP NOW"]
    assert calc_metrics(refs, hyps).wer == 1.0
    for rule in "upper", "lower":
        assert calc_metrics(refs, hyps, normalize=rule).wer == 0.0
    with pytest.raises(RecipeError, match="--normalize loud: no rule is called"):
        calc_metrics(refs, hyps, normalize="loud")


def test_a_reference_needs_a_hypothesis() -> None:
    with pytest.raises(RecipeError, match="no hypothesis for b: 1 of 2 references"):
        calc_metrics({"a": "x", "b": "y"}, {"a": "x"})
    with pytest.raises(RecipeError, match="2 references and 1 hypotheses"):
        calc_metrics(["x", "y"], ["x"])
