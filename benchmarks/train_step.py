"""Training steps of our models beside public ones of equal size.

    python -m benchmarks.train_step --corpus an4 --data-dir data/an4

A step is forward, CTC loss, backward, clipping and AdamW; all models see the same
batches, in the same precision, with the same loss and optimizer.
"""

import argparse
import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
import yaml
from torch import nn

from asr.config import TrainConfig
from asr.config_load import load_config
from asr.data.dataset import Batch
from asr.models.create import create_model
from asr.train.loss import ctc_loss
from asr.train.optimizer import new_optimizer
from asr.train.precision import choose_precision
from benchmarks.batches import training_batches
from benchmarks.peers import BINS, CONFORMERS, DEEPSPEECH2
from benchmarks.rates import Competitors, measure_in_turn, show

ROOT = Path(__file__).resolve().parents[1]
LIBRISPEECH = 960 * 3600  # seconds
LARGE = {"dim": 192, "ff_dim": 768, "num_layers": 9, "conv_channels": 64}
# The public DeepSpeech2 has no dropout, and 32 channels.
EQUAL_DS2 = {"dropout": 0.0, "conv_channels": 32}


class TrainingStep:
    """Trains one model; called, it returns seconds of audio learnt in a second."""

    def __init__(
        self,
        model: nn.Module,
        batches: Sequence[Batch],
        config: TrainConfig,
        device: torch.device,
        dtype: torch.dtype,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.model = model.to(device).train()
        self.optimizer = new_optimizer(self.model, config)
        self.batches, self.device, self.dtype = batches, device, dtype
        self.clip_norm, self.clock = config.clip_norm, clock

    def __call__(self) -> float:
        self._wait()
        started = self.clock()
        for batch in self.batches:
            self.step(batch)
        self._wait()
        elapsed = self.clock() - started
        return sum(batch.seconds for batch in self.batches) / elapsed

    def step(self, batch: Batch) -> None:
        """One update of the weights."""
        self.optimizer.zero_grad(set_to_none=True)
        mixed = self.dtype != torch.float32
        with torch.autocast(self.device.type, torch.bfloat16, enabled=mixed):
            log_probs, lengths = self.model(
                batch.features.to(self.device), batch.feature_lengths.to(self.device)
            )
        loss = ctc_loss(log_probs, lengths, batch).sum() / len(batch.tokens)
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), self.clip_norm)
        self.optimizer.step()

    def _wait(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize()


def compare(name: str, changed: Mapping[str, Any], options: argparse.Namespace) -> None:
    """Measure one of our models, with some options changed, and its peers."""
    content = yaml.safe_load((ROOT / f"conf/{name}.yaml").read_text())["model"]
    sizes = {key: content[key] for key in content if key != "name"} | dict(changed)
    config = load_config(ROOT / "egs" / options.corpus, name, []).train
    batches, vocab_size = training_batches(
        options.corpus, options.data_dir, options.batch_seconds, options.batches
    )
    device = torch.device(options.device)
    dtype = choose_precision(config.precision, device)
    models = {"recipe": create_model(name, BINS, vocab_size, sizes)}
    peers = CONFORMERS if name == "conformer" else DEEPSPEECH2
    competitors: Competitors = {}
    for title, make in {"recipe": None, **peers}.items():
        model = models[title] if make is None else make(sizes, vocab_size)
        count = sum(p.numel() for p in model.parameters()) / 1e6
        clock = time.process_time if options.cpu_time else time.perf_counter
        step = TrainingStep(model, batches, config, device, dtype, clock)
        competitors[f"{title}, {count:.2f} M"] = step
    rates = measure_in_turn(competitors, options.rounds)
    ours = next(iter(rates))
    shapes = ", ".join("x".join(map(str, b.features.shape[:2])) for b in batches)
    precision = str(dtype).removeprefix("torch.")
    threads = f"{torch.get_num_threads()} threads"
    title = f"{name} {sizes}, {precision}, {device.type}, {threads}, batches {shapes}"
    unit = "second of CPU time" if options.cpu_time else "second"
    show(title, f"seconds of audio a {unit}", rates, ours)
    if device.type == "cuda":
        hours = LIBRISPEECH / sorted(rates[ours])[len(rates[ours]) // 2] / 3600
        print(f"an epoch of 960 h, extrapolated: {hours:.2f} h\n")


def main() -> None:
    """Read the command line, and compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", default="an4")
    parser.add_argument("--data-dir", type=Path, default=Path("data/an4"))
    parser.add_argument("--batch-seconds", type=float, default=40.0)
    parser.add_argument("--batches", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--device", default="cpu")
    parser.add_argument(
        "--cpu-time",
        action="store_true",
        help="of one thread: for a machine that others use, too",
    )
    parser.add_argument("--only", choices=("conformer", "large", "deepspeech2"))
    options = parser.parse_args()
    if options.cpu_time:
        torch.set_num_threads(1)
    torch.manual_seed(0)
    print(f"torch {torch.__version__}, {os.cpu_count()} cores", flush=True)
    runs: dict[str, tuple[str, Mapping[str, Any]]] = {
        "conformer": ("conformer", {}),
        "large": ("conformer", LARGE),
        "deepspeech2": ("deepspeech2", EQUAL_DS2),
    }
    for key, (name, changed) in runs.items():
        if options.only in (None, key):
            compare(name, changed, options)


if __name__ == "__main__":
    main()
