"""Files of words to listen for: a word, or several, and a weight a line."""

import re
from pathlib import Path

from asr.errors import UsageError
from asr.text.normalize import Rule

DEFAULT_WEIGHT = 7.0  # ln; see docs/own_audio.md
MOST = 100.0  # beyond this nothing else could be heard
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.IGNORECASE)
JOINED = re.compile(r".*[:;,=][+-]?[\d.]+")


def read_hotwords(path: Path, normalize: Rule) -> dict[str, float]:
    """Weights by word.

    Lines are ``word`` or ``word weight``; what begins with ``#`` and empty lines are left
    out. Each word of a phrase gets its weight; of several weights the largest counts.

    Args:
        normalize: brings words into the form of the transcripts.

    Raises:
        UsageError: no such file, a line that is none of these, or no word at all.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: not UTF-8 text ({error.reason})") from error
    except OSError as error:
        raise UsageError(
            f"--hotwords {path}: {(error.strerror or '').lower()}"
        ) from error
    found: dict[str, float] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        words, weight = _parse(f"{path}:{number}", line)
        listed = normalize(words).split()
        if not listed:
            raise UsageError(f"{path}:{number}: no word in {line.strip()!r}")
        for word in listed:
            found[word] = max(weight, found.get(word, weight))
    if not found:
        raise UsageError(f"{path}: no words in it; write 'word weight' lines")
    return found


def _parse(place: str, line: str) -> tuple[str, float]:
    """Words and weight of a line."""
    *words, last = line.split()
    if not words or not NUMBER.fullmatch(last):
        if JOINED.fullmatch(line.strip()):
            raise UsageError(
                f"{place}: {line.strip()!r}: a space between word and weight, and a point "
                "in the number, as in 'Warszawa 7.5'"
            )
        return line, DEFAULT_WEIGHT
    weight = float(last)
    if abs(weight) > MOST:
        raise UsageError(f"{place}: weight {last}: from -{MOST:g} to {MOST:g}")
    return " ".join(words), weight
