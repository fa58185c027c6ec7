"""Other alphabets: from Kaldi's tables to tokens, words and n-gram."""

from pathlib import Path

import pytest

from asr.__main__ import main
from asr.text.tokenizer import Tokenizer
from tests.data.own_corpus.sets import as_kaldi, recipe_options
from tests.data.sounds import write_sound

RUSSIAN = ["Ёлка — зелёная!", "Что ж, «объезд» и шум.", "Мой адрес: улица Щусева."]
GERMAN = ["Grüße aus Köln!", "Die Straße ist naß.", "Ein schöner Ärger …"]


@pytest.mark.parametrize(
    ("lines", "first", "letters"),
    [
        (RUSSIAN, "ЁЛКА ЗЕЛЁНАЯ", "ЁЪЩЯ"),
        (GERMAN, "GRÜSSE AUS KÖLN", "ÜÖÄS"),
    ],
)
def test_letters(tmp_path: Path, lines: list[str], first: str, letters: str) -> None:
    for split in ("train", "dev"):
        rows = {f"{split}-{i}": line for i, line in enumerate(lines)}
        for id_ in rows:
            write_sound(tmp_path / f"dl/{split}/{id_}.wav", 2.0)
        as_kaldi(
            tmp_path / "dl" / split,
            wav_scp="".join(f"{id_} {id_}.wav\n" for id_ in rows),
            text="".join(f"{id_} {line}\n" for id_, line in rows.items()),
        )
    options = recipe_options(tmp_path, "corpus.test_sets=[]")
    for verb in ("download", "manifests", "tokenizer", "lm"):
        assert main([verb, *options]) == 0
    tokenizer = Tokenizer.load(tmp_path / "d/lang_char")
    assert set(letters) <= set(tokenizer.tokens)
    assert tokenizer.decode(tokenizer.encode(first)) == first
    text = (tmp_path / "d/lm/train.txt").read_text(encoding="utf-8")
    assert text.splitlines()[0] == first
    assert f"\t{first.split()[0]}" in (tmp_path / "d/lm/3gram.arpa").read_text("utf-8")
