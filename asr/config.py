"""The configuration: typed and frozen, its values in YAML only.

Values come from ``conf/recipe.yaml``, then ``conf/<model>.yaml``, then
``egs/<corpus>/corpus.yaml`` (its ``per_model`` part last), then ``--set``. A key that
no dataclass below names is an error that says which known key is nearest.
"""

import math
from dataclasses import dataclass
from typing import Any

from asr.config_augment import (
    FeatureAugmentConfig,
    SpecAugmentConfig,
    WaveAugmentConfig,
)


@dataclass(frozen=True)
class Archive:
    """One download of a corpus."""

    file: str  # name below --download-dir
    url: str
    unpacked: str  # file or folder below --download-dir that shows it is unpacked
    sha256: str = ""
    md5: str = ""


@dataclass(frozen=True)
class CorpusConfig:
    """Facts of one corpus (``egs/<corpus>/corpus.yaml``)."""

    normalize: str  # rule of asr/text/normalize.py
    test_sets: tuple[str, ...]
    archives: tuple[Archive, ...]
    options: dict[str, Any]  # read by the corpus's own prepare.py alone


@dataclass(frozen=True)
class ManifestConfig:
    """What stage 1 keeps of the training set."""

    min_seconds: float
    max_seconds: float
    train_hours: float  # about so much of it; 0: all

    def __post_init__(self) -> None:
        if not 0 <= self.train_hours < math.inf:
            raise ValueError(f"train_hours={self.train_hours}: from 0 (all) on")


@dataclass(frozen=True)
class FbankConfig:
    """Features of stage 2."""

    sample_rate: int
    num_mel_bins: int
    dtype: str  # float16 | float32
    speeds: tuple[float, ...]  # speed-perturbed copies of train; 1.0 is the original
    shard_minutes: float
    augment: WaveAugmentConfig  # further copies of train


@dataclass(frozen=True)
class TokenizerConfig:
    """Units of stage 3."""

    kind: str  # bpe | char | phone
    vocab_size: int  # of bpe
    lexicon: str | None  # of phone: a file instead of the CMU dictionary

    @property
    def unit(self) -> str:
        """Name of the lang folder: ``char``, ``phone`` or ``bpe_<vocab_size>``."""
        return f"bpe_{self.vocab_size}" if self.kind == "bpe" else self.kind


@dataclass(frozen=True)
class LmConfig:
    """The n-gram of stage 4."""

    order: int
    prune: tuple[int, ...]  # lmplz --prune: counts up to this are dropped, per order
    graph_order: int  # G takes n-grams up to this, which bounds the memory of HLG
    rescore_order: int  # of the n-gram that lattices are rescored with; 0: none
    binary: str  # probing (fast) | trie (small), where build_binary is installed
    extra_text: str | None  # file, as a path or below --download-dir; .gz or plain


@dataclass(frozen=True)
class NeuralLmConfig:
    """The Transformer LM of ``local/train_lm.sh``: its sizes, and how it is trained."""

    dim: int
    num_layers: int
    num_heads: int
    ff_dim: int
    dropout: float
    seed: int
    max_epochs: int
    epoch_steps: int  # updates of an epoch, about; a smaller text is one epoch
    batch_tokens: int  # of one update, with padding
    context: int  # tokens; longer sentences are learned in parts
    optimizer: str  # adamw | muon
    learning_rate: float
    warmup_steps: int
    final_lr_ratio: float
    schedule: str  # cosine | noam | onecycle | constant, after the warm-up
    weight_decay: float
    clip_norm: float
    precision: str  # auto | float32 | bfloat16
    ema_decay: float
    patience: int  # epochs without a better dev perplexity that end it; 0: never
    max_skipped: int
    checkpoint_minutes: float
    keep_checkpoints: int


@dataclass(frozen=True)
class RescoreConfig:
    """``local/rescore.sh``: the LM, and the grid of scales tried on dev."""

    lm: str | None  # null: the recipe's own; else a Hugging Face name or folder
    case: str  # as_is | lower | sentence; what a Hugging Face model is shown
    nbest: int  # hypotheses of an utterance that are scored
    lm_weights: tuple[float, ...]
    neural_shares: tuple[float, ...]  # 0: the n-gram alone, 1: the neural LM alone
    word_scores: tuple[float, ...]


@dataclass(frozen=True)
class ConformerConfig:
    """Conformer encoder (Gulati et al. 2020)."""

    name: str
    dim: int
    num_layers: int
    num_heads: int
    ff_dim: int
    kernel_size: int
    conv_channels: int
    dropout: float

    @property
    def subsampling(self) -> int:
        """Input frames for one output frame."""
        return 4


@dataclass(frozen=True)
class DeepSpeech2Config:
    """DeepSpeech2 (Amodei et al. 2016)."""

    name: str
    conv_channels: int
    rnn: str  # gru | lstm
    rnn_dim: int
    num_layers: int
    dropout: float

    @property
    def subsampling(self) -> int:
        """Input frames for one output frame."""
        return 4


@dataclass(frozen=True)
class TdnnfConfig:
    """Factored TDNN (Povey et al. 2018)."""

    name: str
    dim: int
    bottleneck: int
    strides: tuple[int, ...]  # of each layer, in output frames
    subsampling: int  # input frames for one output frame
    dropout: float


ModelConfig = ConformerConfig | DeepSpeech2Config | TdnnfConfig

MODELS: dict[str, type[ModelConfig]] = {
    "conformer": ConformerConfig,
    "deepspeech2": DeepSpeech2Config,
    "tdnnf": TdnnfConfig,
}


@dataclass(frozen=True)
class MmiConfig:
    """What ``train.loss=mmi`` adds to CTC."""

    ctc_scale: float  # of the CTC loss that regularises it
    ctc_epochs: int  # first epochs with CTC alone


@dataclass(frozen=True)
class TrainConfig:
    """Stage 6."""

    seed: int
    max_epochs: int
    batch_seconds: float
    optimizer: str  # adamw | muon (faster a step on matrices, see docs/training.md)
    learning_rate: float
    warmup_steps: int
    final_lr_ratio: float  # of learning_rate, at the end of the cosine
    weight_decay: float
    clip_norm: float
    precision: str  # auto | float32 | bfloat16
    num_workers: int
    sorted_epochs: int  # first epochs from short to long (SortaGrad)
    checkpoint_minutes: float  # beside the one at the end of every epoch
    keep_checkpoints: int  # best epochs on dev that are kept
    accumulate: int  # batches of one update, in each process
    schedule: str  # cosine | noam | onecycle | constant, after the warm-up
    ema_decay: float  # of the averaged weights, at each update; 0: none are kept
    patience: int  # epochs without a better dev WER that end the training; 0: never
    max_skipped: int  # steps in a row without a finite gradient that end it
    one_batch: bool  # only learn one batch by heart, as a first trial
    loss: str  # ctc | mmi
    realign_epochs: tuple[int, ...]  # after these, pronunciations are chosen anew
    mmi: MmiConfig
    augment: FeatureAugmentConfig  # on the fly
    spec_augment: SpecAugmentConfig

    @property
    def preliminary_epochs(self) -> int:
        """The first epochs, with CTC alone before LF-MMI; 0 where the loss is CTC."""
        return self.mmi.ctc_epochs if self.loss == "mmi" else 0


@dataclass(frozen=True)
class LogConfig:
    """What stage 6 writes down of a training; changes nothing in its weights."""

    wandb: str  # auto | online | offline | off
    project: str  # of W&B
    every_steps: int  # a line of metrics.jsonl
    samples: int  # utterances of dev in each epoch's table
    beam_size: int  # of the beam search for that table
    spectrograms: int  # pictures of train, and as many of dev, each epoch
    audio: int  # training recordings, with their augmented copies, once


@dataclass(frozen=True)
class TuneConfig:
    """Stage 7: checkpoints averaged, and the values of the scales tried on dev."""

    average: int
    lm_weights: tuple[float, ...]
    word_scores: tuple[float, ...]
    hlg_scales: tuple[float, ...]
    nbest_own_scales: tuple[float, ...]
    nbest_larger_scales: tuple[float, ...]
    lattice_own_scales: tuple[float, ...]
    lattice_larger_scales: tuple[float, ...]
    steps: int  # each gap between two of the values above is tried in so many steps
    max_seconds: float  # of dev audio; a larger dev set is thinned out evenly


@dataclass(frozen=True)
class DecodeConfig:
    """Stage 8: what bounds the searches. The scales are stage 7's."""

    beam_size: int
    beam_threshold: float
    token_threshold: float
    unk_score: float
    nbest: int
    search_beam: float
    output_beam: float
    min_active: int
    max_active: int
    hlg_backend: str  # auto | k2 | kaldi-decoder, of hlg
    num_paths: int  # sampled from each lattice by hlg-nbest
    nbest_scale: float  # of the lattice's scores in that sampling


@dataclass(frozen=True)
class LongAudioConfig:
    """A user's recordings that are longer than what a model is trained on."""

    window_seconds: float  # what is longer is heard and searched in such parts
    overlap_seconds: float  # of two windows that the model hears

    def __post_init__(self) -> None:
        if not 1 <= self.window_seconds <= 3600:
            raise ValueError(f"window_seconds={self.window_seconds}: from 1 to 3600")
        if not 0 <= self.overlap_seconds <= self.window_seconds / 2:
            raise ValueError(
                f"overlap_seconds={self.overlap_seconds}: from 0 to half a window"
            )


@dataclass(frozen=True)
class Config:
    """One run's whole configuration, in the order of the stages."""

    corpus: CorpusConfig
    manifest: ManifestConfig
    fbank: FbankConfig
    tokenizer: TokenizerConfig
    lm: LmConfig
    model: ModelConfig
    train: TrainConfig
    log: LogConfig
    tune: TuneConfig
    decode: DecodeConfig
    long_audio: LongAudioConfig
    neural_lm: NeuralLmConfig
    rescore: RescoreConfig
