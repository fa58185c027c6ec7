"""docs/configuration.md is what the code says, and says something of every key."""

import dataclasses
import re
import typing
from pathlib import Path

import pytest

from asr.__main__ import main
from asr.config import MODELS
from asr.config_doc import marked, sections, shown, type_name
from asr.config_load import ROOT, default_tree, leaves, read_yaml
from asr.field_comments import FieldComment, field_comments

PAGE = ROOT / "docs" / "configuration.md"


def corpora(page: str) -> dict[str, str]:
    """What stands before the corpora, under an empty name, and of each corpus."""
    before, heading, after = page.partition("## What corpora change\n")
    first, *others = after.split("\n### ")
    named = {part.partition("\n")[0]: part.rstrip() for part in others}
    return {"": before + heading + first, **named}


def test_the_page_is_what_the_generator_writes(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """But for corpora that somebody has added to a copy of the recipe."""
    assert main(["config_reference"]) == 0
    written, page = (
        corpora(text) for text in (capsys.readouterr().out, PAGE.read_text("utf-8"))
    )
    assert len(page) > 4
    hint = "run: python -m asr config_reference > docs/configuration.md"
    assert page == {name: written.get(name) for name in page}, hint


def test_every_key_is_explained() -> None:
    silent = []
    for kind, prefix, _ in sections():
        hints, comments = typing.get_type_hints(kind), field_comments(kind)
        for field in dataclasses.fields(kind):
            nested = dataclasses.is_dataclass(hints[field.name])
            if not nested and not (
                field.name in comments and comments[field.name].text
            ):
                silent.append(f"{kind.__name__}: {prefix}.{field.name}")
    assert not silent, "write a comment beside these fields"


@pytest.mark.parametrize("model", MODELS)
def test_the_page_has_every_key_of_the_yaml_files(model: str) -> None:
    """Found in the files, not by the classes that the generator goes through."""
    rows = dict(re.findall(r"^\| `([\w.]+)` \| `([^`]*)` \|", PAGE.read_text(), re.M))
    shared = [key for key in leaves(default_tree(model)) if key[:6] != "model."]
    assert set(shared) <= set(rows)
    assert rows["decode.beam_size"] == "null" and rows["lm.prune"] == "[0, 0, 1]"
    part = PAGE.read_text().split(f"## model ({model})")[1].split("\n## ")[0]
    for key, value in read_yaml(ROOT / "conf" / f"{model}.yaml")["model"].items():
        assert f"| `model.{key}` | `{shown(value)}` |" in part


def test_stages_that_run_again() -> None:
    """Against what docs/training.md and the stages' own documents promise."""
    rows = dict(
        re.findall(
            r"^\| `([\w.]+)` \| `[^`]*` \| [^|]* \| ([\d, ]*)\|", PAGE.read_text(), re.M
        )
    )
    assert rows["train.num_workers"] == "" and rows["log.samples"] == ""
    assert rows["train.seed"].strip() == "6"
    assert rows["fbank.dtype"].strip() == "2, 6"
    assert rows["decode.nbest"].strip() == "8"
    assert rows["decode.beam_size"].strip() == "7, 8"


def test_a_corpus_and_its_models_are_listed() -> None:
    part = PAGE.read_text().split("### an4")[1].split("\n### ")[0]
    assert "| `fbank.speeds` | | `[1.0]` | `[0.9, 1.0, 1.1]` |" in part
    assert "| `train.loss` | tdnnf | `ctc` | `mmi` |" in part


@dataclasses.dataclass
class Parent:
    """Some fields."""

    plain: int  # [>= 1] what is meant
    # Written above,
    # on two lines.
    above: str
    silent: int


@dataclasses.dataclass
class Child(Parent):
    """More of them."""

    # not of the next field, a line is between

    more: tuple[int, ...]  # [a | b] chosen


def test_comments_of_fields() -> None:
    assert field_comments(Child) == {
        "plain": FieldComment(">= 1", "what is meant"),
        "above": FieldComment("", "Written above, on two lines."),
        "more": FieldComment("a | b", "chosen"),
    }


def test_words_of_the_page(tmp_path: Path) -> None:
    assert type_name(str | None) == "text or null"
    assert type_name(tuple[float, ...]) == "list of numbers"
    assert shown([0.5, None, True]) == "[0.5, null, true]"
    assert marked("``a b`` is max_active, see phones.md; --model of asr/x_y.py") == (
        "`a b` is `max_active`, see [phones.md](phones.md); `--model` of `asr/x_y.py`"
    )
