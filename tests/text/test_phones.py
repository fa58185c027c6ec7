"""Dictionaries, and phones as units."""

from pathlib import Path

import pytest

from asr.errors import RecipeError
from asr.text.phones import PhoneTokenizer, read_pronunciations
from asr.text.pronunciations import read_cmudict, read_dictionary, write_dictionary
from asr.text.tokenizer import UNK_ID, Tokenizer
from asr.text.units import has_phones, load_units, separator

LEXICON = """\
!SIL SIL
<UNK> SPN
a AH
A EY
A AH
CAT K AE T
TAC T AE K
ACT AE K T
TACT T AE K T
CATCAT K AE T K AE T
3D TH R IY D IY
"""


@pytest.fixture
def lexicon(tmp_path: Path) -> Path:
    path = tmp_path / "lexicon"
    path.write_text(LEXICON)
    return path


def test_the_cmu_dictionary() -> None:
    dictionary = read_cmudict()
    assert len(dictionary) > 120_000
    assert dictionary["THE"] == [("DH", "AH"), ("DH", "IY")]  # one differs in stress
    assert dictionary["TWO"] == dictionary["TO"][:1] == [("T", "UW")]
    phones = {p for some in dictionary.values() for said in some for p in said}
    assert len(phones) == 39
    assert all(phone.isalpha() for phone in phones)


def test_kaldi_lexicons(lexicon: Path, tmp_path: Path) -> None:
    """Marks are no words; equal lines count once; case does not matter."""
    found = read_dictionary(lexicon)
    assert found["A"] == [("AH",), ("EY",)]
    assert "!SIL" not in found and "<UNK>" not in found
    write_dictionary(found, tmp_path / "copy")
    assert read_dictionary(tmp_path / "copy") == found


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("A AH\nB\n", "line 2: B has no phones"),
        ("A #1\n", "may not begin"),
        ("\n", "no words"),
        ("<UNK> SPN\n", "no words"),
    ],
)
def test_bad_lexicons_are_one_line(tmp_path: Path, content: str, said: str) -> None:
    path = tmp_path / "lexicon"
    path.write_text(content)
    with pytest.raises(RecipeError, match=said):
        read_dictionary(path)
    with pytest.raises(RecipeError, match="no such lexicon"):
        read_dictionary(tmp_path / "nowhere")


def test_units(lexicon: Path, tmp_path: Path) -> None:
    folder = tmp_path / "lang"
    units = PhoneTokenizer.train(["A CAT", "CATACT 4 É"], folder, lexicon)
    phones = ["AE", "AH", "D", "EY", "IY", "K", "R", "T", "TH"]
    assert units.tokens == ["<blk>", "<unk>", *phones]
    assert units.decode(units.encode("a Cat 3D")) == "AH K AE T TH R IY D IY"
    assert units.decode([0, 3, 0]) == "AH"
    assert units.encode("4 A") == [UNK_ID, 3]
    assert units.spell(["A", "É", "Tac"]) == {"A": ((3,), (5,)), "Tac": ((9, 2, 7),)}
    assert units.encode("") == []
    # Words outside are said as they are spelled, those of the text once and for all.
    assert (folder / "guessed.txt").read_text() == "CATACT K AE T AE K T\n"
    assert units.decode(units.encode("ACTCAT")) == "AE K T K AE T"
    again = load_units(folder)
    assert again.spell(["ACTCAT", "A"]) == units.spell(["ACTCAT", "A"])
    assert has_phones(folder) and separator(folder) == " "


def test_all_pronunciations_for_other_losses(lexicon: Path, tmp_path: Path) -> None:
    PhoneTokenizer.train(["CATACT"], tmp_path / "lang", lexicon)
    found = read_pronunciations(tmp_path / "lang")
    assert found["A"] == [(3,), (5,)]
    assert found["CATACT"] == [(7, 2, 9, 2, 7, 9)]
    assert len(found) == len(read_dictionary(lexicon)) + 1


def test_the_same_files_each_time(lexicon: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        PhoneTokenizer.train(["CATACT", "TACA"], tmp_path / name, lexicon)
    files = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert files == ["g2p.npz", "guessed.txt", "pronunciations.txt", "tokens.txt"]
    for name in files:
        one, two = (tmp_path / folder / name for folder in ("one", "two"))
        assert one.read_bytes() == two.read_bytes(), name


def test_missing_and_foreign_files(lexicon: Path, tmp_path: Path) -> None:
    folder = tmp_path / "lang"
    PhoneTokenizer.train(["A"], folder, lexicon)
    (folder / "tokens.txt").write_text("<blk> 0\n<unk> 1\n")
    with pytest.raises(RecipeError, match="tokens.txt lacks"):
        load_units(folder)
    (folder / "g2p.npz").unlink()
    with pytest.raises(RecipeError, match="run stage 3"):
        load_units(folder)


def test_finished_models_know_their_words_only(lexicon: Path, tmp_path: Path) -> None:
    folder = tmp_path / "lang"
    trained = PhoneTokenizer.train(["A", "CATACT"], folder, lexicon)
    (folder / "g2p.npz").unlink()
    (folder / "guessed.txt").unlink()
    alone = load_units(folder)
    assert alone.spell(["A"]) == trained.spell(["A"])
    assert trained.spell(["CATACT"]) and not alone.spell(["CATACT"])
    assert alone.encode("CATACT") == [1]


def test_pieces_are_spelled_in_one_way(tmp_path: Path) -> None:
    tokenizer = Tokenizer.train(["ON NO"], tmp_path, "char", 0)
    assert not has_phones(tmp_path) and separator(tmp_path) == ""
    assert tokenizer.spell(["ON", "X"]) == {"ON": (tuple(tokenizer.encode("ON")),)}
