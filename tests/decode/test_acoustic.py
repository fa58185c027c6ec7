"""Log-probs on disk are those of each utterance alone."""

from pathlib import Path

import numpy as np
import torch

from asr.decode.acoustic import Input, compute_log_probs, grouped
from asr.decode.log_probs import read_log_probs
from asr.models.create import create_model
from asr.models.lengths import subsampled

OPTIONS = {"conv_channels": 4, "rnn_dim": 16, "num_layers": 1}


def inputs(*frames: int) -> list[Input]:
    rng = np.random.default_rng(0)
    return [
        Input(f"utt{i}", rng.normal(size=(n, 20)).astype(np.float32), n / 100)
        for i, n in enumerate(frames)
    ]


def test_batched_pass_equals_one_by_one(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = create_model("deepspeech2", 20, 7, OPTIONS).eval()
    items = inputs(61, 4, 33, 1, 120)
    out = tmp_path / "log_probs.h5"
    assert compute_log_probs(model, items, out, {"model": "x"}) > 0
    found = {u.id: u for u in read_log_probs(out)}
    for item in items:
        with torch.no_grad():
            alone, _ = model(
                torch.from_numpy(item.features)[None],
                torch.tensor([len(item.features)]),
            )
        assert found[item.id].duration == item.duration
        assert found[item.id].log_probs.shape == (subsampled(len(item.features)), 7)
        np.testing.assert_allclose(found[item.id].log_probs, alone[0], atol=1e-5)


def test_utterance_without_frames_is_kept_and_empty(tmp_path: Path) -> None:
    model = create_model("deepspeech2", 20, 7, OPTIONS)
    out = tmp_path / "log_probs.h5"
    compute_log_probs(model, inputs(0, 9), out, {})
    assert [u.log_probs.shape for u in read_log_probs(out)] == [(0, 7), (3, 7)]


def test_groups_are_bounded_and_keep_the_order() -> None:
    items = inputs(2000, 2000, 2000, 3000, 9000, 10)
    groups = list(grouped(items))
    assert [item.id for group in groups for item in group] == [i.id for i in items]
    for group in groups:
        longest = max(len(item.features) for item in group)
        assert len(group) == 1 or longest * len(group) <= 6000
