"""Fixtures for the tests of asr/decode."""

import random
from typing import Any

import numpy as np
import pytest

from asr.decode.log_probs import write_log_probs
from asr.fsa.graph import build_graphs
from asr.fsa.lexicon import spell_words, write_lexicon
from asr.lm.train_ngram import train_kneser_ney, write_arpa
from asr.text.tokenizer import Tokenizer

WORDS = ["NEON", "NO", "ON", "ONE"]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A lang folder, an n-gram, and noisy log-probs of ten spoken sentences."""
    folder = tmp_path_factory.mktemp("world")
    rng = random.Random(0)
    texts = [" ".join(rng.choices(WORDS, k=rng.randint(1, 4))) for _ in range(40)]
    tokenizer = Tokenizer.train(texts, folder, "char", 0)
    write_arpa(train_kneser_ney([t.split() for t in texts], 2, [0, 0]), folder / "arpa")
    lexicon = spell_words(WORDS, tokenizer)
    write_lexicon(lexicon, tokenizer.tokens, folder)
    build_graphs(lexicon, tokenizer.vocab_size, folder / "arpa", 2, folder)
    refs = {f"utt-{i}": texts[i] for i in (3, 1, 2, 10, 5, 4, 6, 7, 8, 9)}
    noise = np.random.default_rng(0)
    with write_log_probs(folder / "log_probs.h5", {"model": "toy"}) as writer:
        for id_, text in refs.items():
            frames = [k for i in tokenizer.encode(text) for k in (i, i, 0)]
            logits = noise.normal(size=(len(frames), tokenizer.vocab_size)) * 1.6
            logits[range(len(frames)), frames] += 3.5
            norm = np.logaddexp.reduce(logits, axis=1, keepdims=True)
            writer.add(id_, logits - norm, 4 * len(frames), 0.04 * len(frames))
    return {"dir": folder, "h5": folder / "log_probs.h5", "refs": refs, "t": tokenizer}
