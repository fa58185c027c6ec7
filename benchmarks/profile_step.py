"""Where the time of a training step goes, part by part.

    python -m benchmarks.profile_step --corpus an4 --data-dir data/an4

A part's backward time is that of the autograd nodes that its forward pass has made: both
bear the same sequence number.
"""

import argparse
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
import yaml
from torch import nn
from torch.profiler import profile, record_function

from asr.config_load import load_config
from asr.data.dataset import Batch
from asr.models.create import create_model
from asr.train.loss import ctc_loss
from asr.train.precision import choose_precision
from benchmarks.batches import training_batches
from benchmarks.peers import BINS
from benchmarks.train_step import ROOT, TrainingStep

REST = "layer norms, residual sums, rest"
LOSS, CLIPPING, OPTIMIZER = "output and loss", "clipping", "optimizer (AdamW)"
# By the class of a module; what is inside of it belongs to it.
PARTS = {
    "ConvSubsampling": "subsampling",
    "FeedForward": "feed-forward",
    "RelativeAttention": "attention",
    "ConvolutionModule": "convolution",
    "MaskedConv": "convolutions",
    "BidirectionalRnn": "recurrent layers",
}


def label(model: nn.Module) -> None:
    """Give every part of a model, and its last layer, a named scope."""
    for name, module in model.named_modules():
        part = LOSS if name == "output" else PARTS.get(type(module).__name__)
        if part is not None:
            module.forward = _scoped(module.forward, part)


def _scoped(forward: Callable[..., Any], part: str) -> Callable[..., Any]:
    def scoped(*arguments: Any) -> Any:
        with record_function(part):
            return forward(*arguments)

    return scoped


class LabelledStep(TrainingStep):
    """A training step in named scopes, on the CPU."""

    def step(self, batch: Batch) -> None:
        """One update of the weights."""
        self.optimizer.zero_grad(set_to_none=True)
        mixed = self.dtype != torch.float32
        with torch.autocast("cpu", torch.bfloat16, enabled=mixed):
            with record_function(REST):
                log_probs, lengths = self.model(batch.features, batch.feature_lengths)
        with record_function(LOSS):
            loss = ctc_loss(log_probs, lengths, batch).sum() / len(batch.tokens)
        loss.backward()
        with record_function(CLIPPING):
            nn.utils.clip_grad_norm_(self.model.parameters(), self.clip_norm)
        with record_function(OPTIMIZER):
            self.optimizer.step()


def times(events: Sequence[Any]) -> tuple[Counter[str], Counter[str]]:
    """Milliseconds by part, forward and backward, of a profile's events."""
    known = {*PARTS.values(), REST, LOSS, CLIPPING, OPTIMIZER}
    forward: Counter[str] = Counter()
    backward: Counter[str] = Counter()
    made_by: dict[int, str] = {}  # the part, by sequence number
    for event in events:
        part = _enclosing(event, known)
        if part is not None:
            forward[part] += event.self_cpu_time_total / 1000
            if event.sequence_nr >= 0:
                made_by[event.sequence_nr] = part
    for event in events:
        if _enclosing(event, known) is None:
            node = _outermost(event)
            part = made_by.get(node.sequence_nr, REST)
            backward[part] += event.self_cpu_time_total / 1000
    return forward, backward


def _enclosing(event: Any, known: set[str]) -> str | None:
    """The innermost scope of ours around an event, if there is one."""
    while event is not None:
        if event.name in known:
            return str(event.name)
        event = event.cpu_parent
    return None


def _outermost(event: Any) -> Any:
    while event.cpu_parent is not None:
        event = event.cpu_parent
    return event


def show(forward: Counter[str], backward: Counter[str], steps: int) -> None:
    """Print milliseconds of a step by part, and their share."""
    total = sum(forward.values()) + sum(backward.values())
    print("| part | forward, ms | backward, ms | share |\n|---|---|---|---|")
    for part in sorted(forward, key=lambda p: -forward[p] - backward[p]):
        both = forward[part] + backward[part]
        figures = f"{forward[part] / steps:.1f} | {backward[part] / steps:.1f}"
        print(f"| {part} | {figures} | {100 * both / total:.1f} % |")
    figures = " | ".join(f"{sum(c.values()) / steps:.1f}" for c in (forward, backward))
    print(f"| together | {figures} | |")


def main() -> None:
    """Read the command line, train a few steps, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", default="an4")
    parser.add_argument("--data-dir", type=Path, default=Path("data/an4"))
    parser.add_argument("--model", default="conformer")
    parser.add_argument("--batch-seconds", type=float, default=40.0)
    parser.add_argument("--steps", type=int, default=10)
    options = parser.parse_args()
    torch.manual_seed(0)
    config = load_config(ROOT / "egs" / options.corpus, options.model, []).train
    batches, vocab_size = training_batches(
        options.corpus, options.data_dir, options.batch_seconds, 1
    )
    sizes = yaml.safe_load((ROOT / f"conf/{options.model}.yaml").read_text())["model"]
    model = create_model(sizes.pop("name"), BINS, vocab_size, sizes)
    label(model)
    device = torch.device("cpu")
    dtype = choose_precision(config.precision, device)
    step = LabelledStep(model, batches, config, device, dtype)
    for _ in range(options.steps):
        step()
    with profile() as profiler:
        for _ in range(options.steps):
            step()
    shape = "x".join(map(str, batches[0].features.shape[:2]))
    threads = torch.get_num_threads()
    print(f"{options.model} {sizes}, {dtype}, {threads} threads, batch {shape}\n")
    show(*times(list(profiler.events())), options.steps)


if __name__ == "__main__":
    main()
