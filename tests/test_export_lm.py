"""The n-gram of an exported model."""

import gzip
from pathlib import Path

import pytest

from asr.bin.export_lm import DECIMALS, _compress_rounded, rounded
from asr.lm.train_ngram import train_kneser_ney, write_arpa


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("-3.3055696\tA\t-0.91893\n", "-3.306\tA\t-0.919\n"),
        ("-1.25\tA B C\n", "-1.250\tA B C\n"),
        ("-99\t<s>\t0\n", "-99.000\t<s>\t0.000\n"),
        ("ngram 1=99\n", "ngram 1=99\n"),
        ("-1.25 A B C\n", "-1.25 A B C\n"),  # no tabs: left as it is
        ("\\end\\\n", "\\end\\\n"),
    ],
)
def test_numbers_are_rounded_and_all_else_is_kept(line: str, expected: str) -> None:
    assert rounded(line) == expected


def test_every_ngram_keeps_its_probability_but_for_rounding(tmp_path: Path) -> None:
    kenlm = pytest.importorskip("kenlm")
    sentences = [text.split() for text in ("A B C", "B C A", "C C", "A")]
    plain = tmp_path / "plain.arpa"
    write_arpa(train_kneser_ney(sentences, 3, [0, 0, 0]), plain)
    _compress_rounded(plain, tmp_path / "small.arpa.gz")
    small = tmp_path / "small.arpa"
    small.write_bytes(gzip.decompress((tmp_path / "small.arpa.gz").read_bytes()))
    assert small.stat().st_size < plain.stat().st_size
    full, short = (kenlm.Model(str(path)) for path in (plain, small))
    for text in ("A B C", "C A", "B B B"):
        bound = 0.5 * 10**-DECIMALS * 3 * (len(text.split()) + 1)
        assert short.score(text) == pytest.approx(full.score(text), abs=bound)
        assert short.score(text) != full.score(text)
