"""Dictionaries, and phones as units."""

from pathlib import Path

import pytest

from asr.errors import RecipeError
from asr.text.phones import PhoneTokenizer, read_pronunciations
from asr.text.pronunciations import (
    read_cmudict,
    read_dictionary,
    read_lexicon,
    write_dictionary,
)
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
    found = read_lexicon(lexicon)
    assert found["A"] == [("AH",), ("EY",)]
    assert "!SIL" not in found and "<UNK>" not in found
    write_dictionary(found, tmp_path / "copy")
    assert read_dictionary(tmp_path / "copy") == found


CAT = {"CAT": [("K", "AE", "T")]}
A_CAT = {"A": [("AH",), ("EY",)], **CAT}
FORMS = {
    "Kaldi": ("!SIL SIL\nA AH\nA EY\n[laugh] LAU\nCAT K AE T\n", A_CAT),
    "Kaldi, by tabs": ("A\tAH\nA\tEY\nCAT\tK AE T\n", A_CAT),
    "tabs between phones": ("CAT\tK\tAE\tT\n", CAT),
    "lexiconp": ("!SIL 1.0 SIL\nA 0.2 EY\nA 1.0 AH\nCAT 1 K AE T\n", A_CAT),
    "lexiconp, as Kaldi makes it": ("A 0.2\tEY\nA 1.0\tAH\nCAT 1.0\tK AE T\n", A_CAT),
    "lexiconp_silprob": ("A 0.2 0.1 1.19 0.98 EY\nA 1 0.1 1.1 0.9 AH\nCAT 1 0 1 1 K AE T\n", A_CAT),
    "positions": ("<eps> SIL\n!SIL 1.0 SIL_S\nA 1.0 AH_S #1\nA 0.9 EY_S\nCAT 1.0 K_B AE_I T_E\n", A_CAT),
    "positions that are none": ("CAT K_B AE_I T_I\n", {"CAT": [("K_B", "AE_I", "T_I")]}),
    "CMU 0.7": (";;; # CMU\n!EXCLAMATION  EH2 K S\nA  AH0\nA(1)  EY1\nCAT  K AE1 T\n", A_CAT),
    "cmudict.dict": ("a AH0\na(2) EY1 # letter, or name\ncat K AE1 T\n", A_CAT),
    "MFA": (
        "a\t0.99\t0.08\t1.0\t1.25\tə\r\na\t0.5\t0.1\t1\t1\teɪ\r\n"
        "cat\tkʰ æ t\r\n[bracketed]\tspn\r\n<cutoff>\tspn\r\n",
        {"A": [("ə",), ("eɪ",)], "CAT": [("kʰ", "æ", "t")]},
    ),
    "MFA, one number": ("a\t0.1\teɪ\na\t0.9\tə\n", {"A": [("ə",), ("eɪ",)]}),
    "digits as phones": ("deux d 2\nœuf 9 f\n", {"DEUX": [("d", "2")], "ŒUF": [("9", "f")]}),
    "tones": ("ma m a1\nba b a4\n", {"MA": [("m", "a1")], "BA": [("b", "a4")]}),
    "accents": ("cafe\u0301 k a f e\u0303\n", {"CAFÉ": [("k", "a", "f", "ẽ")]}),
    "apostrophes": ("don\u2019t d o n t\n", {"DON'T": [("d", "o", "n", "t")]}),
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_lexicons_are_known_by_their_content(
    tmp_path: Path, form: str, encoding: str
) -> None:
    content, expected = FORMS[form]
    (tmp_path / "lexicon").write_bytes(content.encode(encoding))
    assert read_lexicon(tmp_path / "lexicon") == expected


def test_what_is_left_out_of_a_lexicon_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "lexicon").write_text("!SIL 1 SIL_S\nA 0.5 AH0_S\nTO 1 T_B UW1_E\n")
    assert read_lexicon(tmp_path / "lexicon") == {"A": [("AH",)], "TO": [("T", "UW")]}
    assert capsys.readouterr().out.endswith(
        "lexicon: 2 words, 3 phones; left out: marks (!SIL), probabilities (0.5), "
        "positions (AH0_S), stress (AH0)\n"
    )


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("A AH\nB\n", "line 2: B has no phones"),
        ("A\tAH\nB\t\n", "line 2: B has no phones"),
        ("A 0.5 AH\nB 0.5\n", "line 2: B has no phones"),
        ("A AH\nB 0.5 B IY\n", "line 2: 0.5 is no phone; if it is a probability"),
        ("A\tAH\nNEW YORK\tN UW\n", "line 2: 'NEW YORK' is not one word"),
        ("A <x>\n", "line 1: phones may not begin with < or #"),
        ("A \u2581\n", "line 1: phones may not .* or have \u2581"),
        ("\n", "no words"),
        ("<UNK> SPN\n", "no words"),
    ],
)
def test_bad_lexicons_are_one_line(tmp_path: Path, content: str, said: str) -> None:
    path = tmp_path / "lexicon"
    path.write_text(content)
    with pytest.raises(RecipeError, match=said):
        read_lexicon(path)
    with pytest.raises(RecipeError, match="no such lexicon"):
        read_lexicon(tmp_path / "nowhere")


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
    assert len(found) == len(read_lexicon(lexicon)) + 1


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
