"""All decoders where the units are phones."""

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from asr.decode.log_probs import write_log_probs
from asr.decode.matrix import run_method
from asr.decode.methods import METHODS, REGISTRY, SearchOptions, unavailable
from asr.fsa.graph import build_graphs, build_rescoring_grammar
from asr.fsa.lexicon import read_arpa_words, spell_words, write_lexicon
from asr.job import WITHOUT_LEXICON
from asr.lm.train_ngram import train_kneser_ney, write_arpa
from asr.score.transcripts import read_texts
from asr.text.phones import PhoneTokenizer

# "TO" and "TOO" sound alike, "A" has two ways to be said.
LEXICON = "A AH\nA EY\nTO T UW\nTO T AH\nTOO T UW\nAT AE T\nTATTOO T AE T UW\n"
TEXTS = ["AT TO A", "A TATTOO TOO", "TO A TATTOO", "AT A TATTOO TOO", "TO AT TATTOO"]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A lang folder of phones, n-grams, and clear log-probs of five sentences."""
    folder = tmp_path_factory.mktemp("phones")
    (folder / "lexicon").write_text(LEXICON)
    units = PhoneTokenizer.train(TEXTS, folder, folder / "lexicon")
    rng = random.Random(0)
    texts = [rng.choice(TEXTS).split() for _ in range(40)]
    for order, name in ((2, "arpa"), (3, "larger.arpa")):
        write_arpa(train_kneser_ney(texts, order, [0] * order), folder / name)
    lexicon = spell_words(read_arpa_words(folder / "arpa"), units)
    write_lexicon(lexicon, units.tokens, folder)
    build_graphs(lexicon, units.vocab_size, folder / "arpa", 2, folder)
    build_rescoring_grammar(lexicon, folder / "larger.arpa", 3, folder)
    noise = np.random.default_rng(0)
    with write_log_probs(folder / "log_probs.h5", {"model": "toy"}) as writer:
        for number, text in enumerate(TEXTS):
            frames = [k for i in units.encode(text) for k in (i, i, 0)]
            logits = noise.normal(size=(len(frames), units.vocab_size))
            logits[range(len(frames)), frames] += 8
            norm = np.logaddexp.reduce(logits, axis=1, keepdims=True)
            writer.add(
                f"utt-{number}", logits - norm, 4 * len(frames), 0.04 * len(frames)
            )
    said = [units.decode(units.encode(text)) for text in TEXTS]
    return {"dir": folder, "words": TEXTS, "phones": said}


@pytest.mark.parametrize("method", METHODS)
def test_words_with_a_lexicon_and_phones_without(
    world: dict[str, Any], tmp_path: Path, method: str
) -> None:
    reason = unavailable(method, world["dir"])
    if reason:
        pytest.skip(reason)
    folder, out = world["dir"], tmp_path / method
    run_method(
        method,
        folder / "log_probs.h5",
        out,
        lang_dir=folder,
        lm=folder / "arpa",
        options=SearchOptions(nbest=3, frame_shift=0.04),
    )
    kind = "phones" if method in WITHOUT_LEXICON else "words"
    assert REGISTRY[method].uses_lm == (kind == "words")
    assert list(read_texts(out / "text").values()) == world[kind]
    for line in (out / "nbest.jsonl").read_text().splitlines():
        hyps = json.loads(line)["nbest"]
        assert len({hyp["text"] for hyp in hyps}) == len(hyps)
        for hyp in hyps:  # every word has a time, in order
            assert " ".join(word["word"] for word in hyp["words"]) == hyp["text"]
            times = [t for word in hyp["words"] for t in (word["start"], word["end"])]
            assert times == sorted(times)
