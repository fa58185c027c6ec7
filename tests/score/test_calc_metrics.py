"""Rates of whole sets; ``calc_metrics`` on folders, mappings and lists."""

from pathlib import Path

import pytest

from asr.errors import RecipeError
from asr.score.calc_metrics import calc_metrics, error_line, score, sentence_line
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


def test_rates_are_of_the_whole_corpus_not_a_mean_of_rates() -> None:
    refs = {"a": "ONE", "b": "ONE TWO THREE FOUR FIVE SIX SEVEN EIGHT NINE"}
    scores = score(refs, refs | {"a": "TWO"})
    assert scores.wer.rate == pytest.approx(0.1)
    assert sentence_line(scores) == "%SER 50.00 [ 1 / 2 ]"
    line = error_line("WER", ErrorRate(ins=9, dels=11, subs=39, length=773))
    assert line == "%WER 7.63 [ 59 / 773, 9 ins, 11 del, 39 sub ]"


def test_an_empty_reference_adds_insertions_and_no_words() -> None:
    refs = {"full": "A B C D", "empty": "", "both": "", "lost": "E"}
    hyps = {"full": "A B C D", "empty": "X Y", "both": "", "lost": ""}
    scores = score(refs, hyps)
    assert scores.wer == ErrorRate(2, 1, 0, 5)
    assert scores.cer == ErrorRate(3, 1, 0, 8)
    assert scores.words["both"] == ErrorRate.zero()


@pytest.mark.parametrize(
    ("refs", "hyps", "said"),
    [
        ({"a": "X", "b": "Y"}, {"a": "X"}, "no hypothesis for b"),
        ({"a": "X"}, {"a": "X", "c": "Y"}, "no reference for c"),
        ({str(i): "" for i in range(9)}, {}, "0, 1, 2, 3, 4 and 4 more"),
    ],
)
def test_ids_have_to_match(
    refs: dict[str, str], hyps: dict[str, str], said: str
) -> None:
    with pytest.raises(RecipeError, match=said):
        score(refs, hyps)
