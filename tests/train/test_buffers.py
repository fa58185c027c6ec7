"""Batch norm's statistics do not depend on who runs the batches of an update."""

import torch

from asr.train.buffers import GroupBuffers
from asr.train.world import World


def norm(momentum: float = 0.1) -> torch.nn.BatchNorm1d:
    return torch.nn.BatchNorm1d(3, momentum=momentum)


def test_one_batch_is_what_batch_norm_does() -> None:
    ours, plain, x = norm(), norm(), torch.randn(8, 3)
    buffers = GroupBuffers(ours)
    ours(x)
    buffers.add()
    buffers.finish(1, World())
    plain(x)
    for name, value in plain.state_dict().items():
        assert torch.equal(ours.state_dict()[name], value), name


def test_some_batches_give_the_mean_in_any_order() -> None:
    batches = [torch.randn(8, 3) + i for i in range(3)]
    means = []
    for order in (batches, batches[::-1]):
        model = norm()
        buffers = GroupBuffers(model)
        for x in order:
            model(x)
            buffers.add()
        buffers.finish(3, World())
        means.append(model.running_mean)
        assert int(model.num_batches_tracked) == 1
    expected = 0.1 * torch.cat(batches).mean(dim=0)
    for found in means:
        torch.testing.assert_close(found, expected)


def test_undo_leaves_no_trace() -> None:
    model = norm()
    before = {name: v.clone() for name, v in model.state_dict().items()}
    buffers = GroupBuffers(model)
    model(torch.full((4, 3), float("nan")))
    buffers.undo()
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name])
