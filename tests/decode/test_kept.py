"""A decoder's folder grows by what is new."""

import json
from pathlib import Path

import pytest

from asr.decode.decoded import Decoded
from asr.decode.hypothesis import Hypothesis, Word
from asr.decode.kept import done_keys, write_kept
from asr.decode.options import SearchOptions
from asr.text.tokenizer import Tokenizer


@pytest.fixture
def lang(tmp_path: Path) -> Path:
    Tokenizer.train(["ONE TWO"], tmp_path / "lang", "char", 0)
    return tmp_path / "lang"


def decoded(**texts: str) -> Decoded:
    nbest = {}
    for id_, text in texts.items():
        words = tuple(
            Word(w, float(i), i + 1.0, 0.5) for i, w in enumerate(text.split())
        )
        nbest[id_] = [Hypothesis(text, (2,), -1.0, -1.0, 0.0, words=words)]
    return Decoded(nbest, 2.0 * len(texts), 1.0 * len(texts), 0.1, 7.0)


def write(lang: Path, out: Path, found: Decoded, keys: dict[str, str]) -> None:
    names = {id_: id_.replace("_", " ") for id_ in keys}
    write_kept(
        "greedy",
        found,
        keys,
        names,
        out,
        lang_dir=lang,
        options=SearchOptions(),
        signature="s\n",
    )


def test_in_steps_or_at_once(lang: Path, tmp_path: Path) -> None:
    steps, once = tmp_path / "steps", tmp_path / "once"
    first = decoded(a="ONE", b="TWO\u2028TWO", c_d="")
    write(lang, steps, first, {"a": "1", "b": "1", "c_d": "1"})
    assert done_keys(steps) == {"a": "1", "b": "1", "c_d": "1"}
    keys = {"0": "1", "b": "1", "c_d": "2"}  # a is gone, c_d another, 0 new
    new = decoded(**{"0": "NEW", "c_d": "TWO ONE"})
    write(lang, steps, new, keys)
    everything = decoded(**{"0": "NEW", "b": "TWO\u2028TWO", "c_d": "TWO ONE"})
    write(lang, once, everything, keys)
    names = ["text", "ctm", "nbest.jsonl", "files.json", "signature"]
    names += [f"predictions/{name}.txt" for name in ("0", "b", "c d")]
    for name in names:
        assert (steps / name).read_bytes() == (once / name).read_bytes(), name
    assert len(list((steps / "predictions").iterdir())) == 3
    assert (steps / "text").read_text().split("\n")[0] == "0 NEW"
    timing = json.loads((steps / "timing.json").read_text())
    assert (timing["utterances"], timing["rtf"]) == (3, 0.5)
    assert timing["audio_seconds"] == 6.0


def test_nothing_new(lang: Path, tmp_path: Path) -> None:
    write(lang, tmp_path / "o", decoded(a="ONE", b="TWO"), {"a": "1", "b": "1"})
    write(lang, tmp_path / "o", decoded(), {"b": "1"})
    assert (tmp_path / "o" / "text").read_text() == "b TWO\n"
    assert not (tmp_path / "o" / "predictions" / "a.txt").exists()
    assert done_keys(tmp_path / "nowhere") == {}
