"""The largest batch first, without a trace; and what is said if it does not fit."""

from pathlib import Path

import pytest
import torch

from asr.train.memory import OutOfMemoryError, largest, plain_out_of_memory, try_largest
from tests.train.toy import toy_config, toy_split, toy_trainer


def test_largest_are_by_padded_frames_and_by_their_square(tmp_path: Path) -> None:
    split, _ = toy_split(tmp_path)
    frames = [u.num_frames for u in split.utterances]
    short, long = frames.index(min(frames)), frames.index(max(frames))
    many = [short] * 4
    assert largest(split, [[long], many, [short]]) == [many]
    split.utterances[long].__dict__["num_frames"] = 300  # 300 < 4 * 80, but squared
    assert largest(split, [[long], many, [short]]) == [many, [long]]


def test_the_trial_leaves_no_trace(tmp_path: Path) -> None:
    trainer = toy_trainer(tmp_path, tmp_path / "c", toy_config(), model="deepspeech2")
    before = {name: v.clone() for name, v in trainer.model.state_dict().items()}
    random = torch.get_rng_state()
    try_largest(trainer.stepper, trainer.train, trainer.plan)
    assert torch.equal(random, torch.get_rng_state())
    assert not trainer.stepper.optimizer.state
    assert all(p.grad is None for p in trainer.model.parameters())
    for name, value in trainer.model.state_dict().items():
        assert torch.equal(value, before[name]), name


def test_real_shortage_comes_at_once_and_names_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = toy_trainer(tmp_path, tmp_path / "c", toy_config())
    monkeypatch.setattr(
        trainer.stepper,
        "loss",
        lambda *_: torch.empty(1 << 60),  # more than there is
    )
    with pytest.raises(OutOfMemoryError) as caught:
        trainer.run()
    said = str(caught.value)
    assert "on the largest batch (" in said and "\n" not in said
    assert "train.batch_seconds below 2" in said and "train.accumulate=2" in said
    assert trainer.state.step == 0


@pytest.mark.parametrize(
    ("error", "plain"),
    [
        (RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"), True),
        (MemoryError(), True),
        (RuntimeError("shape mismatch"), False),
    ],
)
def test_only_shortage_of_memory_is_renamed(error: Exception, plain: bool) -> None:
    expected = OutOfMemoryError if plain else type(error)
    with pytest.raises(expected), plain_out_of_memory(10.0, "in training"):
        raise error
