"""Other alphabets and odd words: from Kaldi's tables to tokens, n-gram and graph."""

from pathlib import Path

import pytest

from asr.__main__ import main
from asr.text.tokenizer import Tokenizer
from tests.data.own_corpus.sets import as_kaldi, recipe_options
from tests.data.sounds import write_sound

RUSSIAN = ["Ёлка — зелёная!", "Что ж, «объезд» и шум.", "Мой адрес: улица Щусева."]
GERMAN = ["Grüße aus Köln!", "Die Straße ist naß.", "Ein schöner Ärger …"]


RESERVED = [
    "<s> one </s> two",
    "<eps> #0 three <blk>",
    "<unk> four <UNK> SIL !SIL",
    "five\u2581six #1 \u2581",
]
LEXICON = """!SIL SIL
<unk> SPN
<eps> SIL
#0 SIL
ONE W AH N
TWO T UW
THREE TH R IY
FOUR F AO R
FIVE F AY V
SIX S IH K S
SIL S IH L
"""


def write_sets(folder: Path, lines: list[str]) -> None:
    """Train and dev with these transcripts, below ``dl``."""
    for split in ("train", "dev"):
        rows = {f"{split}-{i}": line for i, line in enumerate(lines)}
        for id_ in rows:
            write_sound(folder / f"dl/{split}/{id_}.wav", 2.0)
        as_kaldi(
            folder / "dl" / split,
            wav_scp="".join(f"{id_} {id_}.wav\n" for id_ in rows),
            text="".join(f"{id_} {line}\n" for id_, line in rows.items()),
        )


@pytest.mark.parametrize(
    ("lines", "first", "letters"),
    [
        (RUSSIAN, "ЁЛКА ЗЕЛЁНАЯ", "ЁЪЩЯ"),
        (GERMAN, "GRÜSSE AUS KÖLN", "ÜÖÄS"),
    ],
)
def test_letters(tmp_path: Path, lines: list[str], first: str, letters: str) -> None:
    write_sets(tmp_path, lines)
    options = recipe_options(tmp_path, "corpus.test_sets=[]")
    for verb in ("download", "manifests", "tokenizer", "lm"):
        assert main([verb, *options]) == 0
    tokenizer = Tokenizer.load(tmp_path / "d/lang_char")
    assert set(letters) <= set(tokenizer.tokens)
    assert tokenizer.decode(tokenizer.encode(first)) == first
    text = (tmp_path / "d/lm/train.txt").read_text(encoding="utf-8")
    assert text.splitlines()[0] == first
    assert f"\t{first.split()[0]}" in (tmp_path / "d/lm/3gram.arpa").read_text("utf-8")


@pytest.mark.parametrize(
    ("rule", "kind"), [("none", "char"), ("none", "bpe"), ("upper", "phone")]
)
def test_reserved_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], rule: str, kind: str
) -> None:
    """In transcripts, LM text and lexicon: taken out of all, and told."""
    write_sets(tmp_path, RESERVED)
    (tmp_path / "dl/more.txt").write_text("six </s>\n<s> one six <S>\n")
    (tmp_path / "dl/my.lex").write_text(LEXICON)
    settings = f"corpus.test_sets=[] corpus.normalize={rule} tokenizer.kind={kind}"
    settings += " lm.extra_text=more.txt tokenizer.vocab_size=40 lm.rescore_order=0"
    settings += " tokenizer.lexicon=my.lex" if kind == "phone" else ""
    options = recipe_options(tmp_path, settings)
    for verb in ("download", "manifests", "tokenizer", "lm", "graph"):
        assert main([verb, *options]) == 0
    said = capsys.readouterr().out
    words = "<s> </s> <eps> #0 <blk> <unk> <UNK>"
    where = f"as they are reserved: {words} (the first in train-0)"
    assert f"train: 7 words taken out of transcripts, {where}" in said
    assert "more.txt: 3 reserved words taken out: </s> (line 1), <s> (line 2)" in said
    text = (tmp_path / "d/lm/train.txt").read_text(encoding="utf-8").splitlines()
    assert (
        text
        == {
            "none": [
                "one two",
                "three",
                "four SIL !SIL",
                "five six #1",
                "six",
                "one six",
            ],
            "upper": [
                "ONE TWO",
                "THREE",
                "FOUR SIL SIL",
                "FIVE SIX 1",
                "SIX",
                "ONE SIX",
            ],
        }[rule]
    )
    lang = tmp_path / f"d/lang_{kind}{'_40' if kind == 'bpe' else ''}"
    table = [line.split() for line in (lang / "words.txt").read_text().splitlines()]
    assert [int(number) for _, number in table] == [*range(len(table))]
    known = {word for line in text for word in line.split()}
    known -= {"1"} if kind == "phone" else set()  # no dictionary has it
    assert {w for w, _ in table} - {"<eps>", "#0", "<s>", "</s>"} == known
    tokens = [
        line.split()[0] for line in (lang / "tokens.txt").read_text().splitlines()
    ]
    assert tokens[:2] == ["<blk>", "<unk>"] and len(set(tokens)) == len(tokens)
    assert kind != "phone" or not {"SPN", "SIL"} & set(tokens)
    assert (lang / "HLG.pt").is_file()
