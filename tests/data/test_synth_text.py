"""The grammar of the embedded corpus."""

import re

from asr.data.synth_text import KINDS, SLOTS, sentences, vocabulary


def test_grammar() -> None:
    texts = sentences(500, "seed")
    assert texts == sentences(500, "seed") != sentences(500, "other")
    assert {word for text in texts for word in text.split()} <= vocabulary()
    assert not any(re.search(r"[^a-z ]", text) for text in texts)
    assert not set(sentences(200, "seed", avoid=set(texts))) & set(texts)
    assert sum(share for _, share, _ in KINDS) == 100
    named = set(re.findall(r"{(\w+)}", str(KINDS)))
    assert named == set(SLOTS)
