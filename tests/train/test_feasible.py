"""What a model can and cannot learn from."""

from pathlib import Path

import pytest

from asr.bin.train import feasible
from asr.data.dataset import Utterance
from asr.errors import RecipeError
from asr.train.split import Split
from tests.train.toy import toy_split


def split_of(folder: Path, *utterances: Utterance) -> Split:
    split, _ = toy_split(folder)
    return Split(split.reader, utterances, split.texts)


def test_frames_of_the_output_decide(tmp_path: Path) -> None:
    # 11 labels and a blank between the last two: 12 frames.
    tokens = (*range(1, 11), 10)
    fits = Utterance("fits", tokens, 45)  # 12 frames of 4, 15 of 3
    tight = Utterance("tight", tokens, 36)  # 9 frames of 4, 12 of 3
    split = split_of(tmp_path, fits, tight)
    kept, dropped = feasible(split)
    assert (list(kept.utterances), dropped) == ([fits], [tight])
    kept, dropped = feasible(split, 3)
    assert (list(kept.utterances), dropped) == ([fits, tight], [])


def test_nothing_left_is_an_error(tmp_path: Path) -> None:
    split = split_of(tmp_path, Utterance("short", (1, 2, 3), 4))
    with pytest.raises(RecipeError, match="no utterance has enough frames"):
        feasible(split, 3)
