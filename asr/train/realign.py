"""Transcripts take the pronunciations that a half-trained model hears.

A dictionary's first pronunciation is often not what was said: the letter A is "EY" in
spelled names and "AH" in sentences. Kaldi's recipes align the training set again and
again for that; here it is done between epochs, as ``train.realign_epochs`` says. Until
the first time pronunciations are drawn at random: a model that had learned one alone
would hear no other.
"""

import dataclasses
from collections.abc import Callable, Container, Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from asr.atomic import write_text
from asr.data.dataset import BatchDataset, iterate
from asr.decode.word_times import best_spellings
from asr.errors import RecipeError
from asr.fsa.lexicon import Lexicon
from asr.models.create import AcousticModel
from asr.text.tokenizer import UNK_ID
from asr.text.units import Units
from asr.train.loss import frames_needed
from asr.train.split import Split

Tokens = dict[str, tuple[int, ...]]  # of each original utterance


@torch.no_grad()
def choose_pronunciations(
    model: AcousticModel,
    split: Split,
    units: Units,
    batch_seconds: float,
    device: torch.device,
) -> Tokens:
    """The pronunciation of every word by its best path through the model's log-probs.

    Only originals are heard, and copies without one; see :func:`apply`.
    """
    ids = {u.id for u in split.utterances}
    heard = [u for u in split.utterances if origin(u.id, split, ids) == u.id]
    originals = dataclasses.replace(split, utterances=heard)
    plan = originals.plan(batch_seconds, seed=0, epoch=0, by_length=True)
    batches = iterate(BatchDataset(split.reader, heard, plan), 0, 0)
    lexicon = _lexicon(split, units)
    chosen: Tokens = {}
    model.eval()
    for batch in batches:
        log_probs, lengths = model(
            batch.features.to(device), batch.feature_lengths.to(device)
        )
        for id_, row, length in zip(batch.ids, log_probs, lengths, strict=True):
            words = split.texts[id_].split()
            spelled = best_spellings(words, row[:length].cpu().numpy(), 0, lexicon)
            chosen[id_] = tuple(i for _, spelling in spelled for i in spelling)
    model.train()
    return chosen


def apply(
    chosen: Tokens, split: Split, output_lengths: Callable[[Tensor], Tensor]
) -> tuple[Split, int]:
    """The split with the chosen tokens, copies as their originals; and how many differ.

    An utterance too short for longer pronunciations keeps those it had.

    Args:
        output_lengths: of the model: (B,) input frames -> (B,) output frames.
    """
    ids = {u.id for u in split.utterances}
    told = {u.id: chosen[origin(u.id, split, ids)] for u in split.utterances}
    changed = _retold(told, split, output_lengths)
    pairs = zip(changed.utterances, split.utterances, strict=True)
    return changed, sum(new.tokens != old.tokens for new, old in pairs)


def draw_pronunciations(
    split: Split, units: Units, seed: int, output_lengths: Callable[[Tensor], Tensor]
) -> Split:
    """The split with a random pronunciation of every word, each as likely.

    Copies of an utterance draw their own.
    """
    rng, lexicon = np.random.default_rng(seed), _lexicon(split, units)
    drawn: Tokens = {}
    for utterance in split.utterances:
        ways = [lexicon[word] for word in split.texts[utterance.id].split()]
        picks = rng.random(len(ways))
        chosen = (w[int(p * len(w))] for w, p in zip(ways, picks, strict=True))
        drawn[utterance.id] = tuple(token for spelling in chosen for token in spelling)
    return _retold(drawn, split, output_lengths)


def write_tokens(chosen: Tokens, path: Path) -> None:
    """An utterance id and its token ids a line."""
    lines = (f"{id_}\t{' '.join(map(str, ids))}\n" for id_, ids in chosen.items())
    write_text(path, "".join(lines))


def read_tokens(path: Path) -> Tokens:
    """Read what :func:`write_tokens` wrote; RecipeError if it is not there."""
    if not path.is_file():
        raise RecipeError(f"{path} is missing; move its folder away to train anew")
    rows = (line.split("\t") for line in path.read_text(encoding="utf-8").splitlines())
    return {id_: tuple(map(int, ids.split())) for id_, ids in rows}


def origin(id_: str, split: Split, ids: Container[str]) -> str:
    """The utterance that this one is a copy of, if it is in the set; else itself."""
    original = split.originals.get(id_, id_)
    return original if original in ids else id_


def _retold(
    tokens: Tokens, split: Split, output_lengths: Callable[[Tensor], Tensor]
) -> Split:
    """The split with other tokens, where an utterance has the frames for them."""
    room = output_lengths(torch.tensor([u.num_frames for u in split.utterances]))
    utterances = [
        dataclasses.replace(u, tokens=tokens[u.id])
        if frames_needed(tokens[u.id]) <= frames
        else u
        for u, frames in zip(split.utterances, room.tolist(), strict=True)
    ]
    return dataclasses.replace(split, utterances=utterances)


def _lexicon(split: Split, units: Units) -> Lexicon:
    """All pronunciations of the set's words; ``<unk>`` where there is none."""
    words = {word for u in split.utterances for word in split.texts[u.id].split()}
    found: Mapping[str, tuple[tuple[int, ...], ...]] = units.spell(words)
    return {word: found.get(word, ((UNK_ID,),)) for word in words}
