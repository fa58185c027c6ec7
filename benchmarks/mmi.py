"""What LF-MMI and Muon add to a training step on one thread, by the CPU's clock.

    python -m benchmarks.mmi

Random features and transcripts of 39 tokens; the factored TDNN of conf/tdnnf.yaml. The
losses are run forward and backward on the model's own log-probs, in turn with all else.
"""

import argparse
import dataclasses
import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor

from asr.config_load import ROOT, load_config
from asr.data.dataset import Batch
from asr.models.create import create_model
from asr.packages import missing
from asr.train.loss import ctc_loss
from asr.train.mmi_step import MmiLoss
from asr.train.optimizer import new_optimizer

TOKENS, BINS = 40, 80
Timed = dict[str, Callable[[], object]]


def random_batch(utterances: int, seconds: float) -> Batch:
    """About ten tokens a second, as phones are."""
    frames, count = int(100 * seconds), int(10 * seconds)
    return Batch(
        ids=tuple(str(i) for i in range(utterances)),
        features=torch.randn(utterances, frames, BINS),
        feature_lengths=torch.full((utterances,), frames),
        tokens=torch.randint(1, TOKENS, (utterances * count,)),
        token_lengths=torch.full((utterances,), count),
    )


def k2_loss(criterion: MmiLoss, beam: float) -> Callable[[Tensor, Tensor], Tensor]:
    """The denominator by k2's pruned search of the same graph."""
    import k2

    graph = criterion.graph
    size, lines = len(graph.token), []
    for state in range(size):
        for to in graph.moves[state].nonzero().flatten().tolist():
            score = graph.moves[state, to].log().item()
            lines.append(f"{state} {to} {graph.token[to].item()} {score}")
        lines.append(f"{state} {size} -1 {graph.ends[state].log().item()}")
    fsa = k2.arc_sort(k2.Fsa.from_str("\n".join([*lines, str(size)])))

    def total(log_probs: Tensor, lengths: Tensor) -> Tensor:
        rows = [(i, 0, n) for i, n in enumerate(lengths.tolist())]
        dense = k2.DenseFsaVec(log_probs, torch.tensor(rows, dtype=torch.int32))
        graphs = k2.create_fsa_vec([fsa] * len(rows))
        lattice = k2.intersect_dense(graphs, dense, output_beam=beam)
        found: Tensor = lattice.get_tot_scores(
            log_semiring=True, use_double_scores=True
        )
        return found

    return total


def losses(batch: Batch, log_probs: Tensor, lengths: Tensor) -> Timed:
    """Each forward and backward."""
    texts = batch.tokens.split(batch.token_lengths.tolist())
    criterion = MmiLoss([text.tolist() for text in texts], TOKENS, ctc_scale=0.1)

    def backward(loss: Callable[[Tensor], Tensor]) -> Callable[[], object]:
        return lambda: loss(log_probs.detach().requires_grad_()).sum().backward()

    found: Timed = {
        "CTC": backward(lambda x: ctc_loss(x, lengths, batch)),
        "CTC and LF-MMI": backward(lambda x: criterion(x, lengths, batch)),
    }
    if missing("k2") is None:
        for beam in (6.0, 10.0):
            total = k2_loss(criterion, beam)
            found[f"denominator by k2, output beam {beam:g}"] = backward(
                lambda x, total=total: total(x, lengths)  # type: ignore[misc]
            )
    return found


def main() -> None:
    """Read the command line, and print a line for each part."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--utterances", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    batch = random_batch(options.utterances, options.seconds)
    config = load_config(ROOT / "egs/an4", "tdnnf", [])
    sizes = {k: v for k, v in vars(config.model).items() if k != "name"}
    model = create_model("tdnnf", BINS, TOKENS, sizes)

    def learn() -> tuple[Tensor, Tensor]:
        log_probs, lengths = model(batch.features, batch.feature_lengths)
        (log_probs * torch.randn_like(log_probs)).mean().backward()
        return log_probs, lengths

    timed: Timed = {"model, forward and backward": learn}
    timed |= losses(batch, *learn())
    for name in ("adamw", "muon"):
        changed = dataclasses.replace(config.train, optimizer=name)
        timed[name] = new_optimizer(model, changed).step
    took: dict[str, list[float]] = {name: [] for name in timed}
    for _ in range(options.rounds):
        for name, part in timed.items():
            began = time.process_time()
            part()
            took[name].append(time.process_time() - began)
    audio = options.utterances * options.seconds
    print(
        f"{options.utterances} utterances of {options.seconds} s, {audio:.0f} s in all"
    )
    for name, values in took.items():
        print(f"{name}: {1000 * statistics.median(values):.0f} ms")


if __name__ == "__main__":
    main()
