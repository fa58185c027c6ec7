"""Text of other people's programs: which encoding a file has, told by its bytes.

UTF-8 and what has a byte-order mark are certain. UTF-16 and UTF-32 without one, as some
Windows programs write them, show by their zero bytes and controls, and callers say that
this was assumed. Windows' and ISO's one-byte encodings cannot be told from each other, and
a wrong guess would be wrong words: they are refused, with what it looks like.
"""

import codecs
import unicodedata
from pathlib import Path

from asr.errors import RecipeError

HEAD = 1 << 16  # bytes that are enough to tell the encoding of a long text

_MARKS = (  # of UTF-32 before UTF-16, which begins alike
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_WIDE = {"utf-32-le": 4, "utf-32-be": 4, "utf-16-le": 2, "utf-16-be": 2}
_OTHER_FILES = {
    b"PK\x03\x04": "a zip archive or an office document",
    b"\xd0\xcf\x11\xe0": "an office document",
    b"%PDF": "a PDF",
    b"{\\rtf": "RTF",
    b"RIFF": "audio",
    b"fLaC": "audio",
    b"OggS": "audio",
    b"ID3": "audio",
}
_LINE_ENDS = "\t\n\v\f\r\x1a"  # and the end of a file under DOS
MOST_CONTROLS = 0.1  # of the characters of a text in UTF-8
MOST_SMALL = 0.35  # of these, controls and line ends together
EAST_ASIAN = (
    *(("\u3000", "\u30ff"), ("\u3400", "\u9fff"), ("\uac00", "\ud7a3")),
    ("\uff00", "\uffef"),
)
LEAST_KNOWN = 0.97  # of the characters of a text in UTF-16
ZEROS = "is not text (it has zero bytes)"


class EncodingError(ValueError):
    """Bytes that are no text; the message says what they are instead."""


def decode(content: bytes) -> tuple[str, str]:
    r"""Text with ``\n`` at the ends of lines, and what had to be assumed: mostly nothing.

    Raises:
        EncodingError: it is no text, or in an encoding that cannot be told.
    """
    encoding, assumed = tell_encoding(content)
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        raise _not_text(content, encoding, error) from error
    text = text.rstrip("\0\x1a").replace("\r\n", "\n").replace("\r", "\n")
    if "\0" in text or (not text and b"\0\0" in content):
        raise EncodingError(ZEROS)
    return text, assumed


def read_text(path: Path) -> str:
    """Text of a file; a line says so where its encoding had to be assumed.

    Raises:
        RecipeError: it is no text, or in an encoding that cannot be told.
        OSError: it cannot be read.
    """
    try:
        text, assumed = decode(path.read_bytes())
    except EncodingError as error:
        raise RecipeError(f"{path}: {error}") from error
    if assumed:
        print(f"note: {path}: read as {assumed}", flush=True)
    return text


def tell_encoding(head: bytes) -> tuple[str, str]:
    """Name of the encoding by a text's beginning, and the same where it is assumed.

    UTF-8 where nothing speaks for another one, whether it is that or not.

    Args:
        head: the whole text, or ``HEAD`` bytes of it.

    Raises:
        EncodingError: the beginning is that of another kind of file.
    """
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding, ""
    for begin, kind in _OTHER_FILES.items():
        if head.startswith(begin):
            raise EncodingError(f"is not text but {kind}; save it as plain text, UTF-8")
    if _is_plain(head):
        return "utf-8", ""
    best, name = max((_plausible(head, name, n), name) for name, n in _WIDE.items())
    if best == 0:
        return "utf-8", ""
    big = "big" if name.endswith("be") else "little"
    return name, f"{name[:6].upper()} without a byte-order mark ({big}-endian)"


def _is_plain(head: bytes) -> bool:
    """Whether it is UTF-8, or of one-byte characters: few controls, no zero bytes.

    In UTF-16 letters of most alphabets have a control, or a line's end, as one half.
    """
    try:
        decoder = codecs.getincrementaldecoder("utf-8")()
        text = decoder.decode(head, final=len(head) < HEAD).rstrip("\0\x1a")
    except UnicodeDecodeError:
        return not any(byte < 32 and chr(byte) not in _LINE_ENDS for byte in head)
    small = [c for c in text if c < " "]
    odd = sum(c not in _LINE_ENDS for c in small)
    few = odd <= MOST_CONTROLS * len(text) and len(small) <= MOST_SMALL * len(text)
    return odd == 0 or few


def _plausible(head: bytes, encoding: str, width: int) -> float:
    """How well bytes read as text of so many bytes a character; 0: not at all.

    The share of characters of ASCII, which count twice, and of alphabets.
    """
    try:
        text = head[: len(head) // width * width].decode(encoding).rstrip("\0")
    except UnicodeDecodeError:
        return 0.0
    if not text or any(
        unicodedata.category(c)[0] == "C" and c not in _LINE_ENDS for c in text
    ):
        return 0.0
    ascii_ = sum(c < "\x80" for c in text)
    alphabetic = sum(c < "\u2060" for c in text)
    known = alphabetic + sum(any(a <= c <= b for a, b in EAST_ASIAN) for c in text)
    zeros = head.count(0) if width == 2 else 0
    if known < LEAST_KNOWN * len(text) or zeros > alphabetic + 0.1 * len(text) + 1:
        return 0.0
    return (ascii_ + alphabetic + 0.01) / len(text)


def _not_text(
    content: bytes, encoding: str, error: UnicodeDecodeError
) -> EncodingError:
    if encoding != "utf-8":
        return EncodingError(f"is damaged or cut short ({encoding}: {error.reason})")
    if b"\0" in content:
        return EncodingError(ZEROS)
    begin = 1 + max(content.rfind(space, 0, error.start) for space in b" \t\r\n")
    word = content[begin : begin + 80].split()[0]
    # Of another alphabet all letters are outside of ASCII, of a Latin one few.
    plain = sum(byte < 128 for byte in word)
    name = "cp1251" if 4 * plain < len(word) else "cp1252"
    return EncodingError(
        f"is not UTF-8 text ({error.reason}); save it as such, or convert it: "
        f"iconv -f {name} -t utf-8 would read '{word.decode(name, 'replace')}'"
    )
