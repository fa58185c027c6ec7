"""The neural LM's sentence scores, and its file."""

import itertools
from pathlib import Path

import pytest
import torch

from asr.errors import RecipeError
from asr.lm.neural import CachedLm, NeuralLm, save_neural_lm, score_tokens
from asr.models.transformer_lm import TransformerLm
from asr.text.tokenizer import Tokenizer

SIZES = {"dim": 16, "num_layers": 1, "num_heads": 2, "ff_dim": 16, "dropout": 0.5}


@pytest.mark.parametrize("batch_tokens", [1, 9, 1000])
def test_scores_are_products_of_next_token_probabilities(batch_tokens: int) -> None:
    torch.manual_seed(0)
    model = TransformerLm(6, **SIZES).train()
    sentences = [[1, 2, 3, 4, 5], [], [3], [3, 3], [5, 4, 3, 2]]
    scores = score_tokens(model, sentences, batch_tokens)
    assert model.training
    model.eval()
    for sentence, score in zip(sentences, scores, strict=True):
        total, prefix = 0.0, [0]
        for token in [*sentence, 0]:  # one by one, without padding
            row = model(torch.tensor([prefix]), torch.tensor([len(prefix)]))[0, -1]
            total += float(row[token])
            prefix.append(token)
        assert score == pytest.approx(total, abs=1e-5)
    assert score_tokens(model, [], batch_tokens) == []


def test_probabilities_of_all_sentences_sum_to_one() -> None:
    torch.manual_seed(1)
    model = TransformerLm(4, **SIZES).eval()
    with torch.no_grad():  # the end becomes likely, so that long sentences are rare
        model.bias[0] += 3.0
    sentences = [
        list(ids) for n in range(6) for ids in itertools.product((1, 2, 3), repeat=n)
    ]
    total = sum(torch.tensor(score_tokens(model, sentences, 4096)).exp().tolist())
    assert 0.99 < total < 1.0


def test_saved_and_loaded(tmp_path: Path) -> None:
    texts = ["ONE TWO", "TWO", "SIX TEN ONE"]
    tokenizer = Tokenizer.train(texts, tmp_path / "lang", "char", 0)
    model = TransformerLm(tokenizer.vocab_size, **SIZES).eval()
    path = tmp_path / "lm.pt"
    save_neural_lm(path, model.state_dict(), SIZES, tmp_path / "lang" / "sp.model")
    loaded = NeuralLm.load(path)
    assert loaded.tokenizer.tokens == tokenizer.tokens
    assert loaded.score(texts) == NeuralLm(model, tokenizer).score(texts)
    with pytest.raises(RecipeError, match="train_lm.sh"):
        NeuralLm.load(tmp_path / "absent.pt")
    save_neural_lm(path, {}, SIZES, tmp_path / "lang" / "sp.model")
    with pytest.raises(RecipeError, match="not a neural LM"):
        NeuralLm.load(path)


def test_every_text_is_asked_for_once() -> None:
    asked: list[str] = []

    class Letters:
        def score(self, texts: list[str]) -> list[float]:
            asked.extend(texts)
            return [-float(len(text)) for text in texts]

    lm = CachedLm(Letters())  # type: ignore[arg-type]
    assert lm.score(["AB", "A", "AB"]) == [-2.0, -1.0, -2.0]
    assert lm.score(["A", "ABC"]) == [-1.0, -3.0]
    assert asked == ["AB", "A", "ABC"]
