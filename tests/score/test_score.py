"""Error counts: by hand, against brute force, and in Kaldi's words."""

import random
from functools import cache
from pathlib import Path

import pytest

from asr.__main__ import main
from asr.errors import RecipeError
from asr.score.align import align
from asr.score.error_rate import ErrorRate, count_errors
from asr.score.report import error_line, per_utterance, score
from asr.score.results import Result, table, write_results
from asr.score.transcripts import read_texts


def distance(ref: tuple[str, ...], hyp: tuple[str, ...]) -> int:
    """Levenshtein distance by its definition."""

    @cache
    def rest(i: int, j: int) -> int:
        if i == len(ref) or j == len(hyp):
            return len(ref) - i + len(hyp) - j
        same = rest(i + 1, j + 1) + (ref[i] != hyp[j])
        return min(same, rest(i + 1, j) + 1, rest(i, j + 1) + 1)

    return rest(0, 0)


def test_counts_equal_the_definition_on_random_pairs() -> None:
    rng = random.Random(0)
    for _ in range(500):
        ref, hyp = (tuple(rng.choices("abc", k=rng.randrange(8))) for _ in range(2))
        counts = count_errors(ref, hyp)
        assert counts.errors == distance(ref, hyp)
        assert len(ref) - counts.dels + counts.ins == len(hyp)
        aligned = align(ref, hyp)
        assert aligned.counts.errors == counts.errors
        assert [r for r, _ in aligned.pairs if r is not None] == list(ref)
        assert [h for _, h in aligned.pairs if h is not None] == list(hyp)


@pytest.mark.parametrize(
    ("ref", "hyp", "ins", "dels", "subs"),
    [
        ("A B C", "A B C", 0, 0, 0),
        ("A B C", "A C", 0, 1, 0),
        ("A C", "A B C", 1, 0, 0),
        ("A B C", "A X C", 0, 0, 1),
        ("A B", "", 0, 2, 0),
        ("", "A", 1, 0, 0),
        ("", "", 0, 0, 0),
        ("*** A", "A", 0, 1, 0),
    ],
)
def test_hand_made_cases(ref: str, hyp: str, ins: int, dels: int, subs: int) -> None:
    expected = ErrorRate(ins, dels, subs, len(ref.split()))
    assert count_errors(ref.split(), hyp.split()) == expected
    assert align(ref.split(), hyp.split()).counts == expected


def test_rates_are_of_the_whole_corpus_not_a_mean_of_rates() -> None:
    refs = {"a": "ONE", "b": "ONE TWO THREE FOUR FIVE SIX SEVEN EIGHT NINE"}
    hyps = {"a": "TWO", "b": refs["b"]}
    assert score(refs, hyps).wer.rate == pytest.approx(0.1)


def test_empty_reference_is_defined() -> None:
    assert ErrorRate.zero().rate == 0.0
    assert ErrorRate(1, 0, 0, 0).rate == float("inf")


def test_kaldi_line() -> None:
    line = error_line("WER", ErrorRate(ins=9, dels=11, subs=39, length=773))
    assert line == "%WER 7.63 [ 59 / 773, 9 ins, 11 del, 39 sub ]"


def test_per_utterance_lines_stand_below_each_other() -> None:
    lines = per_utterance("u1", align("A LONG C".split(), "A X C D".split()))
    assert lines.splitlines() == [
        "u1 ref  A  LONG  C  ***",
        "u1 hyp  A  X     C  D",
        "u1 op   C  S     C  I",
        "u1 #csid 2 1 1 0",
    ]


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


def test_text_file_and_folder_are_the_same(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("u1 A  B\n\nu2\n")
    folder = tmp_path / "folder" / "deep"
    folder.mkdir(parents=True)
    (folder / "u1.txt").write_text("A B\n")
    (folder / "u2.txt").write_text("")
    expected = {"u1": "A B", "u2": ""}
    assert read_texts(tmp_path / "text") == expected
    assert read_texts(tmp_path / "folder") == expected


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"u1 A\nu1 B\n", "line 2"), (b"\n", "no transcripts"), (b"u1 \xff", "UTF-8")],
)
def test_bad_text_files(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "text").write_bytes(content)
    with pytest.raises(RecipeError, match=said):
        read_texts(tmp_path / "text")


def test_missing_and_empty_folders(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="no such file"):
        read_texts(tmp_path / "absent")
    with pytest.raises(RecipeError, match="no <utt-id>.txt"):
        read_texts(tmp_path)


def test_command_prints_both_rates_and_writes_alignments(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "ref").write_text("u1 A B C D\n")
    (tmp_path / "hyp").write_text("u1 A B D\n")
    assert main(["score", str(tmp_path / "ref"), str(tmp_path / "hyp")]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "%WER 25.00 [ 1 / 4, 0 ins, 1 del, 0 sub ]",
        "%CER 28.57 [ 2 / 7, 0 ins, 2 del, 0 sub ]",
    ]
    per_utt = (tmp_path / "scoring_hyp" / "per_utt").read_text()
    assert "u1 op   C  C  D    C" in per_utt
    assert main(["score", str(tmp_path / "ref"), str(tmp_path / "x")]) == 1
    assert main(["score", str(tmp_path / "ref")]) == 2


def test_results_table(tmp_path: Path) -> None:
    errors = ErrorRate(1, 2, 3, 100)
    path = tmp_path / "results.tsv"
    write_results([Result("beam-lm", errors, errors, 0.01234, 99.6)], path)
    header, row = path.read_text().splitlines()
    assert header.split("\t") == (
        "method wer cer ins del sub words rtf peak_rss_mb".split()
    )
    assert row.split("\t") == "beam-lm 6.00 6.00 1 2 3 100 0.0123 100".split()
    assert len({len(line) for line in table(path).splitlines()}) == 1
