"""Pronunciations chosen anew: the choice, copies, and going on after a kill."""

import dataclasses
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from asr.config import MmiConfig, TrainConfig
from asr.data.dataset import Utterance
from asr.errors import RecipeError
from asr.text.tokenizer import Tokenizer
from asr.train.loop import Trainer
from asr.train.realign import (
    apply,
    choose_pronunciations,
    draw_pronunciations,
    read_tokens,
    write_tokens,
)
from asr.train.split import Split
from tests.train.test_loop import KilledError, kill_at
from tests.train.toy import BINS, toy_config, toy_split, toy_trainer


class TwoWays(Tokenizer):
    """Characters; every word may also be said backwards."""

    separator = " "

    def spell(self, words: Iterable[str]) -> dict[str, tuple[tuple[int, ...], ...]]:
        usual = super().spell(words)
        return {word: (*said, said[0][::-1]) for word, said in usual.items()}


class Backwards(TwoWays):
    """Words are said backwards, or so twice: never as the transcripts have them."""

    def spell(self, words: Iterable[str]) -> dict[str, tuple[tuple[int, ...], ...]]:
        both = super().spell(words)
        return {word: (said[1], said[1] * 2) for word, said in both.items()}


class Hears(torch.nn.Module):
    """Says the tokens that it was given for each utterance, three frames each."""

    def __init__(self, said: list[tuple[int, ...]], vocab_size: int) -> None:
        super().__init__()
        self.said, self.size = said, vocab_size

    def forward(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        scores = torch.zeros(len(x), x.size(1), self.size)
        for row, index in zip(scores, x[:, 0, 0].long().tolist(), strict=True):
            row[:, 0] = 5.0
            for place, token in enumerate(self.said[index]):
                row[3 * place : 3 * place + 2, token] = 9.0
        return scores.log_softmax(-1), lengths


class Numbers:
    """Stands for features: the first number is that of the utterance."""

    def __init__(self, ids: list[str]) -> None:
        self.ids = ids

    def read(self, id_: str) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
        return np.full((80, BINS), self.ids.index(id_), np.float32)


def test_the_pronunciation_that_is_heard_is_taken(tmp_path: Path) -> None:
    split, units = toy_split(tmp_path, 2)
    two = TwoWays.load(tmp_path / "lang")
    first, second = (split.texts[u.id].split() for u in split.utterances)
    spell = two.spell([*first, *second])
    said = [
        (*spell[first[0]][1], *spell[first[1]][0]),
        (*spell[second[0]][0], *spell[second[1]][1]),
    ]
    ids = [u.id for u in split.utterances]
    heard = dataclasses.replace(split, reader=Numbers(ids))  # type: ignore[arg-type]
    model = Hears(said, units.vocab_size)
    device = torch.device("cpu")
    chosen = choose_pronunciations(model, heard, two, 1.0, device)  # type: ignore[arg-type]
    assert chosen == dict(zip(ids, said, strict=True))
    assert model.training


def test_copies_follow_and_short_ones_keep_what_fits(tmp_path: Path) -> None:
    split, _ = toy_split(tmp_path, 1)
    name, old = split.utterances[0].id, split.utterances[0].tokens
    some = [
        Utterance(name, old, 80),
        Utterance("b", old, 80),
        Utterance("c", old, 8),
        Utterance(f"{name}_sp0.9", old, 80),  # another one of the user's
    ]
    longer = (*old, *old)
    told, differ = apply(
        {name: longer, f"{name}_sp0.9": old},
        dataclasses.replace(split, utterances=some, originals={"b": name, "c": name}),
        lambda x: torch.div(x, 4, rounding_mode="floor"),
    )
    assert [u.tokens for u in told.utterances] == [longer, longer, old, old]
    assert differ == 2


def test_every_pronunciation_is_drawn_by_the_seed(tmp_path: Path) -> None:
    split, _ = toy_split(tmp_path, 12)
    units = TwoWays.load(tmp_path / "lang")
    first, again, other = (
        draw_pronunciations(split, units, seed, lambda x: x).utterances
        for seed in (1, 1, 2)
    )
    assert first == again and first != other
    for drawn in (first, other):
        for utterance in drawn:
            ways = [units.spell([w])[w] for w in split.texts[utterance.id].split()]
            possible = {(*a, *b) for a in ways[0] for b in ways[1]}
            assert utterance.tokens in possible
    pairs = zip(first, split.utterances, strict=True)
    usual = [drawn.tokens == plain.tokens for drawn, plain in pairs]
    assert any(usual) and not all(usual)


def test_no_drawn_pronunciation_is_too_long(tmp_path: Path) -> None:
    split, _ = toy_split(tmp_path, 3)
    units = TwoWays.load(tmp_path / "lang")
    drawn = draw_pronunciations(split, units, 1, torch.zeros_like)
    assert drawn == split


def test_tokens_are_read_as_written(tmp_path: Path) -> None:
    tokens = {"a b": (3, 4, 5), "empty": ()}
    write_tokens(tokens, tmp_path / "x.tsv")
    assert read_tokens(tmp_path / "x.tsv") == tokens
    with pytest.raises(RecipeError, match="missing"):
        read_tokens(tmp_path / "y.tsv")


def two_way_trainer(data: Path, folder: Path, config: TrainConfig) -> Trainer:
    """A trainer whose words may be said in two ways."""
    plain = toy_split

    def split(where: Path, number: int = 12) -> tuple[Split, Tokenizer]:
        return plain(where, number)[0], Backwards.load(where / "lang")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tests.train.toy.toy_split", split)
        return toy_trainer(data, folder, config, model="tdnnf")


def test_interrupted_after_the_choice_equals_undisturbed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    torch.set_num_threads(1)
    config = toy_config(
        max_epochs=4,
        loss="mmi",
        mmi=MmiConfig(0.1, 1),
        realign_epochs=(1, 2),
        checkpoint_minutes=0.0,
    )
    whole = two_way_trainer(tmp_path, tmp_path / "whole", config)
    before = [u.tokens for u in whole.train.utterances]
    whole.run()
    assert [u.tokens for u in whole.train.utterances] != before
    assert "pronunciations chosen after epoch 2" in capsys.readouterr().out
    steps = whole.state.step
    for stop in range(steps // 4, steps, 2):  # from the first choice on
        killed = two_way_trainer(tmp_path, tmp_path / "c", config)
        kill_at(killed, stop, monkeypatch)
        with pytest.raises(KilledError):
            killed.run()
    two_way_trainer(tmp_path, tmp_path / "c", config).run()
    for name in ("last.pt", "epoch-4.pt", "pronunciations-1.tsv"):
        expected = (tmp_path / "whole" / name).read_bytes()
        assert (tmp_path / "c" / name).read_bytes() == expected


def test_units_with_one_spelling_are_left_alone(tmp_path: Path) -> None:
    config = toy_config(max_epochs=2, realign_epochs=(1,))
    trainer = toy_trainer(tmp_path, tmp_path / "c", config)
    trainer.run()
    assert not list((tmp_path / "c").glob("pronunciations*"))
