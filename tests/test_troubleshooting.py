"""docs/troubleshooting.md and docs/install.md: every quoted message is one of the code's.

A message of the code is a string with places to fill in. A quoted line counts if it is,
from its beginning to its end, some such string with the places filled in.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from asr.config_load import ROOT

PAGES = ("troubleshooting.md", "install.md")
BOX = re.compile(r"^```text\n(.*?)^```", re.MULTILINE | re.DOTALL)
PREFIX = re.compile(r"^(error|\./run\.sh|run\.sh): ")
PLACE = re.compile(r"^(--set )?\S+: |^/\S+ ")  # "file: ", "--set key: ", "/file "
# What may stand at a message's end without being a message: one word, numbers, a list,
# a file, where to look.
NAMES = re.compile(r"\S*|[\W\d]*|[\w.-]+(,? [\w.-]+)*( \([\w ]+\))?|; see .*")
FILLED_IN = "\0"
LEAST = 6  # letters that are the code's own, so that no message is all places


def quoted() -> list[str]:
    """The lines in boxes."""
    texts = [(ROOT / "docs" / page).read_text(encoding="utf-8") for page in PAGES]
    return [
        line for text in texts for box in BOX.findall(text) for line in box.splitlines()
    ]


def python_strings(path: Path) -> Iterator[str]:
    """Every string of a file; what is filled into f-strings is FILLED_IN."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.JoinedStr | ast.BinOp | ast.Constant):
            yield from string_of(node).split("\n")


def string_of(node: ast.AST) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(map(string_of, node.values))
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return string_of(node.left) + string_of(node.right)
    return FILLED_IN


def shell_strings(path: Path) -> Iterator[str]:
    """What stands in double quotes; what is expanded is FILLED_IN. printf's %s too."""
    text = path.read_text(encoding="utf-8").replace("\\\n", "")
    expanded = re.sub(r"\$\(\(.*?\)\)|\$\([^()]*\)|\$\{[^{}]*\}|\$\w+", FILLED_IN, text)
    for line in expanded.splitlines():
        for found in re.findall(r'"((?:[^"\\]|\\.)*)"', line):
            yield re.sub(r"\{[^{}]*\}", FILLED_IN, found)


def templates() -> set[str]:
    found: set[str] = set()
    for folder in ("asr", "egs"):
        for path in (ROOT / folder).rglob("*.py"):
            found |= set(python_strings(path))
    for path in (ROOT / "run.sh", *(ROOT / "utils").glob("*.sh")):
        found |= set(shell_strings(path))
    return {text for text in found if own_letters(text) >= LEAST and " " in text}


def own_letters(template: str) -> int:
    return sum(char.isalpha() for char in template.replace(FILLED_IN, ""))


def pattern(template: str) -> re.Pattern[str]:
    return re.compile("(.*)".join(map(re.escape, template.split(FILLED_IN))))


@pytest.fixture(scope="module")
def patterns() -> list[re.Pattern[str]]:
    return [pattern(template) for template in templates()]


def fits(line: str, patterns: list[re.Pattern[str]]) -> bool:
    """Whether it is a message, and a reason at its end is one too.

    A file or a key may stand before the message.
    """
    message = PREFIX.sub("", line)
    ways = {line, message, PLACE.sub("", message)}
    return any(
        known(match.groups(""), text, patterns)
        for p in patterns
        for text in ways
        if (match := p.fullmatch(text))
    )


def known(places: tuple[str, ...], text: str, patterns: list[re.Pattern[str]]) -> bool:
    last = places[-1] if places and text.endswith(places[-1]) else ""
    if NAMES.fullmatch(last) or "/" in last.split(" ")[0]:
        return True
    return last != text and fits(last, patterns)


def test_every_quoted_message_is_one_of_the_code(
    patterns: list[re.Pattern[str]],
) -> None:
    lines = quoted()
    assert len(lines) > 120
    lost = [line for line in lines if not fits(line, patterns)]
    assert not lost, "\n".join(lost)


def test_a_message_that_has_changed_is_noticed(patterns: list[re.Pattern[str]]) -> None:
    right = "stage 8 decode: stage 7 tune is not done; run ./run.sh --stage 7 first, "
    right += "with the same options"
    assert fits(right, patterns)
    assert not fits(right.replace("is not done", "was not made"), patterns)
    assert not fits(right.replace("with the same", "by such"), patterns)
    assert not fits("--corpus an5: one of an4 synth", patterns)
    assert fits("--corpus an5: there are an4 synth", patterns)


def test_what_a_box_shows_is_short_enough_to_be_found() -> None:
    assert all(line == line.rstrip() for line in quoted())
    assert len(set(quoted())) > 0.9 * len(quoted())
