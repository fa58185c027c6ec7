"""What other programs call a text file."""

import codecs
import random
from pathlib import Path

import pytest

from asr.errors import RecipeError
from asr.text.encoding import EncodingError, decode, read_text

TEXTS = (
    "Hello, world!\n",
    "“Don’t” – he said…\n",
    "Grüße aus Köln",
    "é",
    "да",
    "Привет, мир\n",
    "Γειά σου Κόσμε",
    "مرحبا بالعالم",
    "नमस्ते दुनिया",
    "你好 世界\n",
    "안녕하세요 세계\n",
    "こんにちは 世界\n",
)
WITHOUT_MARK = ("utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be")


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", *WITHOUT_MARK]
)
def test_all_of_unicode_is_read(text: str, encoding: str) -> None:
    found, assumed = decode(text.encode(encoding))
    assert found == text
    said = {
        name: f"{name[:6].upper()} without a byte-order mark ({end}-endian)"
        for name, end in zip(WITHOUT_MARK, ("little", "big") * 2, strict=True)
    }
    assert assumed == said.get(encoding, "")


def test_big_endian_with_a_mark() -> None:
    content = codecs.BOM_UTF16_BE + "Ё, é\n".encode("utf-16-be")
    assert decode(content) == ("Ё, é\n", "")


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", ""),
        (b"\xef\xbb\xbf", ""),
        (b"\xff\xfe", ""),
        (b"one\rtwo\r\nthree\n", "one\ntwo\nthree\n"),
        (b"end of a DOS file\x1a", "end of a DOS file"),
        (b"end of a C string\0", "end of a C string"),
        (b"hell\n\0", "hell\n"),
        (b"a bell\x07 in a text of some length", "a bell\x07 in a text of some length"),
        (b"\ta\tb\tc\td\n", "\ta\tb\tc\td\n"),
        ("a\u2028b\u0085".encode(), "a\u2028b\u0085"),
    ],
)
def test_plain_text_stays(content: bytes, text: str) -> None:
    assert decode(content) == (text, "")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("café au lait".encode("latin-1"), "-f cp1252 -t utf-8 would read 'café'"),
        ("il est où".encode("cp1252"), "-f cp1252 -t utf-8 would read 'où'"),
        ("и привет".encode("cp1251"), "-f cp1251 -t utf-8 would read 'и'"),
        (b"\0" * 40, "is not text (it has zero bytes)"),
        (b"\0\1\2\3" + bytes(range(256)), "is not text (it has zero bytes)"),
        (b"a\0b c\0d\0", "is not text (it has zero bytes)"),
        (b"RIFF\x24\0\0\0WAVE", "is not text but audio; save it as plain text"),
        (b"PK\x03\x04....", "is not text but a zip archive or an office document"),
        (b"{\\rtf1\\ansi hello}", "is not text but RTF"),
        (codecs.BOM_UTF16_LE + b"h\0e", "is damaged or cut short (utf-16: truncated"),
        ("hello wor".encode("utf-16-le")[:-1], "is damaged or cut short (utf-16-le"),
    ],
)
def test_the_rest_is_refused_with_what_it_is(content: bytes, said: str) -> None:
    with pytest.raises(EncodingError) as error:
        decode(content)
    assert said in str(error.value) and str(error.value).startswith("is ")


def test_noise_is_hardly_ever_text() -> None:
    rng, taken = random.Random(0), 0
    for length in (24, 60, 1000):
        for _ in range(200):
            try:
                decode(rng.randbytes(length))
            except EncodingError:
                continue
            taken += 1
    assert taken <= 12  # of 600; of the short ones a few in a thousand


def test_a_file_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes("a b".encode("utf-16-le"))
    assert read_text(path) == "a b"
    assert capsys.readouterr().out == (
        f"note: {path}: read as UTF-16 without a byte-order mark (little-endian)\n"
    )
    path.write_bytes(b"\xff\xff")
    with pytest.raises(RecipeError, match="a.txt: is not UTF-8 text"):
        read_text(path)
