"""A tiny GPT-2 made here: what it says of sentences."""

import sys
from pathlib import Path

import pytest
import torch

from asr.errors import RecipeError, UsageError
from asr.lm.huggingface import HuggingFaceLm, change_case

WORDS = ["<end>", "<unk>", "the", "cat", "sat", "on", "mat"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    reason = "transformers is not installed: pip install -r requirements-optional.txt"
    transformers = pytest.importorskip("transformers", reason=reason)
    from tokenizers import Tokenizer, models, pre_tokenizers

    vocab = {word: i for i, word in enumerate(WORDS)}
    tokenizer = Tokenizer(models.WordLevel(vocab, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    path = tmp_path_factory.mktemp("gpt2")
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token="<end>", unk_token="<unk>"
    ).save_pretrained(path)
    torch.manual_seed(0)
    sizes = {"n_positions": 8, "n_embd": 16, "n_layer": 2, "n_head": 2}
    ends = {"bos_token_id": 0, "eos_token_id": 0}
    config = transformers.GPT2Config(
        vocab_size=len(WORDS), initializer_range=1.0, **sizes, **ends
    )  # far from uniform
    transformers.GPT2LMHeadModel(config).save_pretrained(path)
    return path


def test_scores_are_products_of_next_token_probabilities(folder: Path) -> None:
    lm = HuggingFaceLm(str(folder), "lower", batch_tokens=8)
    texts = ["THE CAT SAT ON THE MAT", "CAT", "", "THE DOG SAT"]
    for text, score in zip(texts, lm.score(texts), strict=True):
        words = text.lower().split()
        ids = [0, *(WORDS.index(w) if w in WORDS else 1 for w in words), 0]
        expected = 0.0
        for i in range(1, len(ids)):  # one by one, without padding
            with torch.no_grad():
                logits = lm.model(input_ids=torch.tensor([ids[:i]])).logits[0, -1]
            expected += float(torch.log_softmax(logits, dim=0)[ids[i]])
        assert score == pytest.approx(expected, abs=1e-4)


def test_case_is_what_the_model_sees(folder: Path) -> None:
    upper = HuggingFaceLm(str(folder), "as_is").score(["THE CAT", "DOG DOG"])
    assert upper[0] == pytest.approx(upper[1], abs=1e-5)  # all words unknown
    lower = HuggingFaceLm(str(folder), "lower").score(["THE CAT", "DOG DOG"])
    assert abs(lower[0] - lower[1]) > 1e-3


def test_user_errors_are_one_clear_line(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(RecipeError, match="9 tokens, the model takes 8"):
        HuggingFaceLm(str(folder), "lower").score(["the " * 8])
    (tmp_path / "empty").mkdir()
    with pytest.raises(RecipeError, match="cannot be loaded") as caught:
        HuggingFaceLm(str(tmp_path / "empty"))
    assert "\n" not in str(caught.value)


def test_change_case() -> None:
    text = "I THINK I'M THE ONE I KNOW"
    assert change_case(text, "as_is") == text
    assert change_case(text, "lower") == "i think i'm the one i know"
    assert change_case(text, "sentence") == "I think I'm the one I know"
    assert change_case("AND SO IT IS", "sentence") == "And so it is"
    assert change_case("", "sentence") == ""


def test_without_transformers_the_line_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)  # importing it fails
    with pytest.raises(RecipeError, match="requirements-optional.txt"):
        HuggingFaceLm("gpt2")
    with pytest.raises(UsageError, match="rescore.case=upper"):
        HuggingFaceLm("gpt2", "upper")
