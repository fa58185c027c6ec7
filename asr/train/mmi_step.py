"""One update of an acoustic model by LF-MMI."""

from collections.abc import Iterable, Iterator, Sequence

import torch
from torch import Tensor, nn

from asr.config import TrainConfig
from asr.data.dataset import Batch
from asr.models.create import AcousticModel
from asr.train.ctc_step import CtcStepper
from asr.train.denominator import build_denominator
from asr.train.forward_backward import log_total
from asr.train.group import Group
from asr.train.loss import ctc_loss
from asr.train.skipped import SkipLog
from asr.train.state import TrainState
from asr.train.token_bigram import TokenBigram, count_bigram
from asr.train.world import World


class MmiLoss:
    """Lattice-free maximum mutual information over the CTC topology.

    Povey et al., "Purely sequence-trained neural networks for ASR based on lattice-free
    MMI" (Interspeech 2016), from a flat start as Hadian et al. (2018); over the CTC
    topology, with a regularising CTC loss, it is the CTC-CRF of Xiang and Ou (ICASSP
    2019). A transcript is one sequence of tokens, so the numerator is the CTC score and
    the bigram's, and no transcript is left out of the denominator: the loss is at
    least 0.

    Args:
        sequences: token ids of the training transcripts, for the bigram.
        vocab_size: V, blank included.
        ctc_scale: of the CTC loss that is added.
    """

    def __init__(
        self, sequences: Iterable[Sequence[int]], vocab_size: int, ctc_scale: float
    ) -> None:
        self.bigram: TokenBigram = count_bigram(sequences, vocab_size)
        self.graph = build_denominator(self.bigram)
        self.ctc_scale = ctc_scale

    def __call__(self, log_probs: Tensor, lengths: Tensor, batch: Batch) -> Tensor:
        """(B, T, V) natural log and (B,) lengths -> (B,) losses."""
        log_probs = log_probs.float()
        graph = self.graph = self.graph.to(log_probs)
        ctc = ctc_loss(log_probs, lengths, batch)
        spoken = batch.tokens.split(batch.token_lengths.tolist())
        priors = [self.bigram.log_prob(tokens.tolist()) for tokens in spoken]
        prior = torch.tensor(priors, device=ctc.device)
        total = log_total(log_probs, lengths, graph)
        return (1 + self.ctc_scale) * ctc + total - prior


class MmiStepper(CtcStepper):
    """Updates a model by :class:`MmiLoss`; other arguments as of :class:`Stepper`."""

    def __init__(
        self,
        model: AcousticModel,
        config: TrainConfig,
        world: World,
        total_steps: int,
        skips: SkipLog,
        idle: Batch,
        vocab_size: int,
    ) -> None:
        super().__init__(model, config, world, total_steps, skips, idle)
        self.vocab_size, self.ctc_scale = vocab_size, config.mmi.ctc_scale
        self.ctc_epochs = config.mmi.ctc_epochs
        self.epoch = 0

    def learn_from(self, sequences: Iterable[Sequence[int]]) -> None:
        """Take the denominator's bigram from these token sequences."""
        self.criterion = MmiLoss(sequences, self.vocab_size, self.ctc_scale)

    def step(
        self, group: Group, batches: Iterator[Batch], state: TrainState
    ) -> tuple[float, float]:
        """As every stepper's; notes the epoch."""
        self.epoch = state.epoch
        return super().step(group, batches, state)

    def loss(self, batch: Batch, network: nn.Module) -> Tensor:
        """Summed over the utterances, as a scalar: CTC's alone in the first epochs."""
        if self.epoch < self.ctc_epochs:
            return super().loss(batch, network)
        return self.criterion(*self.log_probs(batch, network), batch).sum()
