"""Rates of a whole set, and the files in Kaldi's words."""

from pathlib import Path

import pytest

from asr.errors import RecipeError
from asr.score.calc_metrics import score
from asr.score.details import (
    confusion_lines,
    operation_lines,
    per_speaker,
    per_utterance,
    word_pairs,
)
from asr.score.error_rate import ErrorRate, align
from asr.score.files import report_texts, write_report


@pytest.mark.parametrize(
    ("hyp", "line"),
    [
        ("", "%WER 0.00 [ 0 / 0, 0 ins, 0 del, 0 sub ]"),
        ("A B", "%WER 100.00 [ 2 / 0, 2 ins, 0 del, 0 sub ]"),
    ],
)
def test_a_set_without_a_single_reference_word(hyp: str, line: str) -> None:
    texts = report_texts(score({"a": ""}, {"a": hyp}), speakers={"a": "s"})
    assert texts["wer"].splitlines()[0] == line
    assert texts["scoring/wer_bootci"].startswith(f"Set1: {line.split(' [')[0]} 95%")
    assert "nan" not in "".join(texts.values())


def test_per_utterance_lines_stand_below_each_other() -> None:
    lines = per_utterance("u1", align("A LONG C".split(), "A X C D".split()))
    assert lines.splitlines() == [
        "u1 ref  A  LONG  C  ***",
        "u1 hyp  A  X     C  D",
        "u1 op   C  S     C  I",
        "u1 #csid 2 1 1 0",
    ]
    assert per_utterance("u2", align([], [])).splitlines() == [
        "u2 ref",
        "u2 hyp",
        "u2 op",
        "u2 #csid 0 0 0 0",
    ]


def test_operations_are_those_of_kaldis_example() -> None:
    """The example in wer_ops_details.pl, ordered as score_kaldi_wer.sh does."""
    ref, hyp = "A B C D E".split(), "A A B D X".split()
    pairs = word_pairs([align(ref, hyp), align(["E"], ["X"])])
    assert [line.split() for line in operation_lines(pairs).splitlines()] == [
        ["correct", "A", "A", "1"],
        ["correct", "B", "B", "1"],
        ["correct", "D", "D", "1"],
        ["deletion", "C", "***", "1"],
        ["insertion", "***", "A", "1"],
        ["substitution", "E", "X", "2"],
    ]
    assert confusion_lines(pairs) == "     2  E -> X\n"


def test_speakers_are_tabled_as_in_kaldi() -> None:
    """Counts of the example in wer_per_spk_details.pl, and a speaker without words."""
    words = {"UTT-A": ErrorRate(1, 1, 1, 5), "UTT-B": ErrorRate(2, 0, 0, 0)}
    rows = per_speaker(words, {"UTT-A": "A", "UTT-B": "B"}).splitlines()
    assert [row.split() for row in rows] == [
        "SPEAKER id #SENT #WORD Corr Sub Ins Del Err S.Err".split(),
        "A raw 1 5 3 1 1 1 3 1".split(),
        "A sys 1 5 60.00 20.00 20.00 20.00 60.00 100.00".split(),
        "B raw 1 0 0 0 2 0 2 1".split(),
        "SUM raw 2 5 3 1 3 1 5 2".split(),
        "SUM sys 2 5 60.00 20.00 60.00 20.00 100.00 100.00".split(),
    ]
    assert len({len(row) for row in rows}) == 1
    with pytest.raises(RecipeError, match="no speaker for UTT-B"):
        per_speaker(words, {"UTT-A": "A"})


def test_files_of_a_folder_agree(tmp_path: Path) -> None:
    scores = score({"u1": "A B C D", "u2": "E"}, {"u1": "A B D", "u2": "F G"})
    texts = report_texts(scores, speakers={"u1": "s", "u2": "t"}, characters=True)
    write_report(texts, tmp_path)
    found = {str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file()}
    details = ["per_utt", "per_spk", "ops", "confusions"]
    words = {f"scoring/{name}" for name in (*details, "wer_bootci")}
    characters = {f"scoring/cer/{name}" for name in (*details, "cer_bootci")}
    assert found == {"wer", "cer"} | words | characters
    assert (tmp_path / "wer").read_text() == (
        "%WER 60.00 [ 3 / 5, 1 ins, 1 del, 1 sub ]\n"
        "%SER 100.00 [ 2 / 2 ]\n"
        "Scored 2 sentences, 0 not present in hyp.\n"
    )
    assert counted(texts["scoring/per_utt"]) == (3, 1, 1, 1)
    ops = [line.split() for line in texts["scoring/ops"].splitlines()]
    assert sum(int(row[3]) for row in ops) == 6
    characters_per_utt, cer = texts["scoring/cer/per_utt"], scores.cer
    assert "<space>" in characters_per_utt
    expected = (cer.correct, cer.subs, cer.ins, cer.dels)
    assert counted(characters_per_utt) == expected


def counted(per_utt: str) -> tuple[int, ...]:
    """Sums of the #csid lines."""
    rows = [line.split()[2:] for line in per_utt.splitlines() if "#csid" in line]
    return tuple(sum(map(int, column)) for column in zip(*rows, strict=True))


def test_what_another_run_left_is_removed(tmp_path: Path) -> None:
    scores = score({"u": "A"}, {"u": "B"})
    write_report(report_texts(scores, speakers={"u": "s"}, characters=True), tmp_path)
    write_report(report_texts(scores), tmp_path)
    assert not (tmp_path / "scoring/cer").exists()
    assert not (tmp_path / "scoring/per_spk").exists()
    assert (tmp_path / "scoring/per_utt").is_file()
