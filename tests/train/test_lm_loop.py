"""The LM's training: it reaches a known entropy, and resumes bit for bit."""

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from asr.config import NeuralLmConfig
from asr.errors import RecipeError, UsageError
from asr.lm.train_text import TokenText, write_token_text
from asr.models.transformer_lm import TransformerLm
from asr.text.tokenizer import Tokenizer
from asr.train.file_log import FileLog
from asr.train.group import Group
from asr.train.lm_loop import LmTrainer
from asr.train.lm_text import LmBatch, LmText
from tests.train.logs import content

CONFIG = NeuralLmConfig(
    dim=16,
    num_layers=1,
    num_heads=2,
    ff_dim=32,
    dropout=0.1,
    seed=1,
    max_epochs=3,
    epoch_steps=6,
    batch_tokens=64,
    context=32,
    optimizer="adamw",
    learning_rate=1e-2,
    warmup_steps=5,
    final_lr_ratio=0.01,
    schedule="cosine",
    weight_decay=0.0,
    clip_norm=1.0,
    precision="float32",
    ema_decay=0.0,
    patience=0,
    max_skipped=3,
    checkpoint_minutes=10.0,
    keep_checkpoints=1,
)
# p(next word | word); from A: B or the end, each 1/2; from B: A 1/4, B 3/4.
CHAIN = {"": {"A": 1.0}, "A": {"B": 0.5, "": 0.5}, "B": {"A": 0.25, "B": 0.75}}


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def sentences(number: int, seed: int) -> list[str]:
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(number):
        words, word = [], "A"
        while word:
            words.append(word)
            following = CHAIN[word]
            word = str(rng.choice(list(following), p=list(following.values())))
        found.append(" ".join(words))
    return found


def chain_entropy() -> float:
    """Nats a token, by hand. Characters: every word is one ▁ and one letter.

    A is reached from the start and from B, and left for B half of the time; a stay in
    B has 4 words on average. So a sentence has a = 2 words A on average, a - 1 = 1
    stays in B with 4 words B: 2 decisions after an A, of entropy ln 2, and 4 after a B,
    of entropy h(1/4). What is predicted: the first word's two characters (certain);
    after each A or B whether the sentence goes on is the ▁ or the end (after A: ln 2,
    and then the letter is certain; after B the ▁ is certain, the letter h(1/4)).
    Tokens: 6 words of two characters and an end, 13.
    """
    h = 0.25 * math.log(4) + 0.75 * math.log(4 / 3)
    return (2 * math.log(2) + 4 * h) / 13


def toy_trainer(
    folder: Path, name: str, config: NeuralLmConfig = CONFIG, number: int = 60
) -> LmTrainer:
    torch.manual_seed(config.seed)
    texts = sentences(number, seed=0)
    tokenizer = Tokenizer.train(texts, folder / "lang", "char", 0)
    size = tokenizer.vocab_size
    write_token_text(texts, tokenizer.encode, size, folder / "tokens.bin")
    text = LmText(
        TokenText.open(folder / "tokens.bin"),
        context=config.context,
        batch_tokens=config.batch_tokens,
        epoch_steps=config.epoch_steps,
        seed=config.seed,
    )
    model = TransformerLm(
        size,
        dim=config.dim,
        num_layers=config.num_layers,
        num_heads=config.num_heads,
        ff_dim=config.ff_dim,
        dropout=config.dropout,
    )
    dev = sentences(200, seed=1)
    log = FileLog(folder / f"{name}-log", 2, None)
    return LmTrainer(model, text, dev, tokenizer, config, folder / name, {"a": 1}, log)


def test_the_loss_falls_to_the_entropy_of_the_source(tmp_path: Path) -> None:
    config = replace(
        CONFIG, dropout=0.0, max_epochs=4, epoch_steps=60, batch_tokens=512
    )
    trainer = toy_trainer(tmp_path, "c", config, number=2000)
    untrained = trainer.measure().dev_loss
    trainer.run()
    reached, entropy = trainer.measure().dev_loss, chain_entropy()
    assert untrained > 3 * entropy
    # The dev set's own entropy differs from the source's by chance: 200 sentences.
    assert abs(reached - entropy) < 0.1 * entropy


def test_perplexities_are_those_of_the_loss(tmp_path: Path) -> None:
    trainer = toy_trainer(tmp_path, "c")
    found = trainer.measure()
    tokens = sum(len(ids) + 1 for ids in trainer.dev)
    words = sum(len(text.split()) + 1 for text in sentences(200, seed=1))
    assert found.dev_token_perplexity == pytest.approx(math.exp(found.dev_loss))
    total = found.dev_loss * tokens
    assert found.dev_perplexity == pytest.approx(math.exp(total / words))


class KilledError(Exception):
    """Stands for SIGKILL: nothing of the process is left but its files."""


@pytest.mark.parametrize("step", [1, 8])
def test_killed_and_started_again_equals_undisturbed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    config = replace(CONFIG, checkpoint_minutes=0.0, ema_decay=0.9)
    toy_trainer(tmp_path, "whole", config).run()
    killed = toy_trainer(tmp_path, "killed", config)
    plain_step = killed._step

    def dying_step(group: Group, batches: Iterator[LmBatch]) -> tuple[float, float]:
        if killed.state.step == step:
            raise KilledError
        return plain_step(group, batches)

    monkeypatch.setattr(killed, "_step", dying_step)
    with pytest.raises(KilledError):
        killed.run()
    again = toy_trainer(tmp_path, "killed", config)
    torch.manual_seed(99)  # whatever the new process has drawn meanwhile
    again.run()
    assert again.state.step > 12  # several epochs of a text cut into parts
    files = sorted(path.name for path in (tmp_path / "whole").iterdir())
    assert "last.pt" in files and "best.json" in files
    for name in files:
        whole, resumed = tmp_path / "whole" / name, tmp_path / "killed" / name
        assert whole.read_bytes() == resumed.read_bytes(), name
    logs = [content(tmp_path / f"{name}-log") for name in ("whole", "killed")]
    assert logs[0] == logs[1]


def test_the_log_has_perplexities_and_a_picture(tmp_path: Path) -> None:
    trainer = toy_trainer(tmp_path, "c")
    trainer.run()
    lines = content(tmp_path / "c-log")["metrics.jsonl"]
    epochs = [line for line in lines if line["kind"] == "epoch"]
    assert [line["epoch"] for line in epochs] == [1, 2, 3]
    assert epochs[-1]["dev_perplexity"] == trainer.state.history[-1].dev_perplexity
    assert (tmp_path / "c-log" / "curves.png").stat().st_size > 1000


def test_divergence_is_skipped_and_named(tmp_path: Path) -> None:
    trainer = toy_trainer(tmp_path, "c")
    with torch.no_grad():
        trainer.model.bias.fill_(float("nan"))
    with pytest.raises(RecipeError, match="smaller neural_lm.learning_rate"):
        trainer.run()


@pytest.mark.parametrize(
    ("name", "value"), [("batch_tokens", 8), ("schedule", "linear"), ("max_epochs", 0)]
)
def test_senseless_value_is_named(tmp_path: Path, name: str, value: object) -> None:
    changed = replace(CONFIG, **{name: value})  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=f"neural_lm.{name}={value}"):
        toy_trainer(tmp_path, "c", changed)
