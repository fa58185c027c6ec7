"""The comments of dataclass fields: what a reader of the code sees, for a document."""

import ast
import inspect
import io
import re
import textwrap
import tokenize
from dataclasses import dataclass, fields
from functools import cache

LIMITS = re.compile(r"\[([^]]+)\] ")


@dataclass(frozen=True)
class FieldComment:
    """What is said of a field.

    Attributes:
        limits: what stands in brackets at the beginning; empty where nothing does.
        text: the rest.
    """

    limits: str
    text: str


@cache
def field_comments(kind: type) -> dict[str, FieldComment]:
    """Comments of a dataclass's fields, inherited ones too.

    A field's comment stands on its line, or else on the lines directly above it.
    Fields without one are left out.
    """
    found: dict[str, FieldComment] = {}
    for parent in reversed(kind.__mro__[:-1]):
        found |= _own_comments(parent)
    return {f.name: found[f.name] for f in fields(kind) if f.name in found}


def _own_comments(kind: type) -> dict[str, FieldComment]:
    source = textwrap.dedent(inspect.getsource(kind))
    tree = ast.parse(source).body[0]
    assert isinstance(tree, ast.ClassDef)
    comments = _comments_by_line(source)
    found = {}
    for node in tree.body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            text = _comment(node, comments)
            if text:
                found[node.target.id] = _parse(text)
    return found


def _comments_by_line(source: str) -> dict[int, tuple[str, bool]]:
    """Line number -> comment without its sign, and whether the line has no code."""
    return {
        token.start[0]: (token.string[1:].strip(), token.line.lstrip()[0] == "#")
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type == tokenize.COMMENT
    }


def _comment(node: ast.AnnAssign, comments: dict[int, tuple[str, bool]]) -> str:
    beside = comments.get(node.end_lineno or node.lineno)
    if beside is not None:
        return beside[0]
    lines: list[str] = []
    number = node.lineno - 1
    while number in comments and comments[number][1]:
        lines.insert(0, comments[number][0])
        number -= 1
    return " ".join(lines)


def _parse(text: str) -> FieldComment:
    match = LIMITS.match(text)
    if match is None:
        return FieldComment("", text)
    return FieldComment(match[1], text[match.end() :])
