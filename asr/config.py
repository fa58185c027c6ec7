"""The configuration: typed and frozen, its values in YAML only.

Values come from ``conf/recipe.yaml``, then ``conf/<model>.yaml``, then
``egs/<corpus>/corpus.yaml`` (its ``per_model`` part last), then ``--set``. A key that
no dataclass below names is an error that says which known key is nearest.

The comment of a field, beside or above it, is its line in docs/configuration.md
(``python -m asr config_reference``). It begins with the values that are taken, in
brackets, where something checks them: ``[a | b]``, ``[>= 1]``, ``[0 to 1]``.
"""

import dataclasses
import math
from dataclasses import dataclass
from typing import Any

from asr.config_augment import (
    FeatureAugmentConfig,
    SpecAugmentConfig,
    WaveAugmentConfig,
)


def _require(holds: bool, problem: str) -> None:
    if not holds:
        raise ValueError(problem)  # the loader puts the section's name before it


@dataclass(frozen=True)
class Archive:
    """One download of a corpus."""

    file: str  # name below --download-dir
    url: str  # where it is downloaded from, unless the file is there
    unpacked: str  # file or folder below --download-dir that shows it is unpacked
    sha256: str = ""  # its checksum; this or md5 has to be given
    md5: str = ""  # its checksum, where the corpus publishes no better one


@dataclass(frozen=True)
class CorpusConfig:
    """Facts of one corpus (``egs/<corpus>/corpus.yaml``)."""

    normalize: str  # [none | upper | lower] rule of asr/text/normalize.py for all text
    test_sets: tuple[str, ...]  # sets beside train and dev, by the names of prepare.py
    archives: tuple[Archive, ...]  # downloads of stage 0, each with the keys below
    options: dict[str, Any]  # read by the corpus's own prepare.py alone


@dataclass(frozen=True)
class ManifestConfig:
    """What stage 1 keeps of the training set."""

    min_seconds: float  # shorter training utterances are dropped
    max_seconds: float  # longer training utterances are dropped
    train_hours: float  # [>= 0] about so much of the training set is kept; 0: all

    def __post_init__(self) -> None:
        some = 0 <= self.train_hours < math.inf
        _require(some, f"train_hours={self.train_hours}: from 0 (all) on")


@dataclass(frozen=True)
class FbankConfig:
    """Features of stage 2."""

    sample_rate: int  # [>= 2000] Hz; other audio is resampled
    # [>= 10] of the log-mel filter bank, between 20 and rate / 2 - 400 Hz
    num_mel_bins: int
    # [-60 to 0] dB of full scale that the speech in all samples is brought to, before
    # augmentation; null: as it is, see stages.md
    level: float | None
    dtype: str  # [float16 | float32] of the stored features
    # [each > 0] speed-perturbed copies of train; 1.0 is the original
    speeds: tuple[float, ...]
    shard_minutes: float  # [> 0] of audio in one HDF5 file
    augment: WaveAugmentConfig  # further copies of train

    def __post_init__(self) -> None:
        _require(self.sample_rate >= 2000, f"sample_rate={self.sample_rate}: from 2000")
        _require(self.num_mel_bins >= 10, f"num_mel_bins={self.num_mel_bins}: from 10")
        quiet = self.level is not None and not -60 <= self.level <= 0
        _require(not quiet, f"level={self.level}: from -60 to 0 dB, or null")
        dtypes = ("float16", "float32")
        _require(self.dtype in dtypes, f"dtype={self.dtype}: {' or '.join(dtypes)}")
        positive = bool(self.speeds) and min(self.speeds) > 0
        _require(positive, f"speeds={list(self.speeds)}: at least one, each above 0")
        _require(self.shard_minutes > 0, f"shard_minutes={self.shard_minutes}: above 0")


@dataclass(frozen=True)
class TokenizerConfig:
    """Units of stage 3."""

    kind: str  # [bpe | char | phone] what words are spelled in, see phones.md
    vocab_size: int  # tokens of bpe, with blank and unknown; others find theirs
    lexicon: str | None  # of phone: a file instead of the CMU dictionary

    @property
    def unit(self) -> str:
        """Name of the lang folder: ``char``, ``phone`` or ``bpe_<vocab_size>``."""
        return f"bpe_{self.vocab_size}" if self.kind == "bpe" else self.kind


@dataclass(frozen=True)
class LmConfig:
    """The n-grams of stage 4, and what stage 5 takes of them."""

    order: int  # [2 to 6] of the n-gram of beam-lm and of the graph
    # lmplz --prune: n-grams counted so often or less are dropped, a number for each
    # order, 0 first, never falling; the last one stands for all longer n-grams
    prune: tuple[int, ...]
    graph_order: int  # G takes n-grams up to this, which bounds the memory of HLG
    rescore_order: int  # of the n-gram that lattices are rescored with; 0: none
    # [probing | trie] KenLM's form: probing is fast, trie small; checked where
    # build_binary is installed
    binary: str
    extra_text: str | None  # file, as a path or below --download-dir; .gz or plain


@dataclass(frozen=True)
class NeuralLmConfig:
    """The Transformer LM of ``local/train_lm.sh``: its sizes, and how it is trained."""

    dim: int  # [>= 1] width of the model, a multiple of num_heads
    num_layers: int  # [>= 1] blocks of attention and feed-forward layer
    num_heads: int  # [>= 1] of attention
    ff_dim: int  # [>= 1] width of the feed-forward layers
    dropout: float  # [0 to 1] probability, in training
    seed: int  # of first weights, order of the text and dropout
    max_epochs: int  # [>= 1] the training ends after so many
    epoch_steps: int  # [>= 1] updates of an epoch, about; a smaller text is one epoch
    batch_tokens: int  # of one update, with padding; context or more
    context: int  # [>= 1] tokens; longer sentences are learned in parts
    optimizer: str  # [adamw | muon] as in train
    learning_rate: float  # [> 0] the highest, after the warm-up
    warmup_steps: int  # updates until the rate is there
    final_lr_ratio: float  # of learning_rate, at the end of cosine and onecycle
    schedule: str  # [cosine | noam | onecycle | constant] after the warm-up
    weight_decay: float  # [>= 0] of the optimizer
    clip_norm: float  # the gradient's largest norm
    precision: str  # [auto | float32 | bfloat16] as in train
    ema_decay: float  # [>= 0, < 1] of the averaged weights; 0: none are kept
    # [>= 0] epochs without a better dev perplexity that end the training; 0: never
    patience: int
    max_skipped: int  # [>= 1] steps in a row without a finite gradient that end it
    checkpoint_minutes: float  # between two checkpoints within an epoch
    keep_checkpoints: int  # [>= 1] best epochs on dev that are kept


@dataclass(frozen=True)
class RescoreConfig:
    """``local/rescore.sh``: the LM, and the grid of scales tried on dev."""

    lm: str | None  # null: the recipe's own; else a Hugging Face name or folder
    case: str  # [as_is | lower | sentence] what a Hugging Face model is shown
    nbest: int  # hypotheses of an utterance that are scored
    lm_weights: tuple[float, ...]  # tried on dev, of both LMs together
    # tried on dev: 0 is the n-gram alone, 1 the neural LM alone
    neural_shares: tuple[float, ...]
    word_scores: tuple[float, ...]  # tried on dev, ln, added for each word


@dataclass(frozen=True)
class ConformerConfig:
    """Conformer encoder (Gulati et al. 2020)."""

    name: str  # what --model chooses
    dim: int  # [>= 1] width of the blocks, a multiple of num_heads
    num_layers: int  # [>= 1] Conformer blocks
    num_heads: int  # [>= 1] of attention
    ff_dim: int  # [>= 1] width of the feed-forward layers
    kernel_size: int  # [>= 1] frames that the convolution sees; odd
    conv_channels: int  # [>= 1] of the two convolutions that halve the frame rate
    dropout: float  # [0 to 1] probability, in training

    @property
    def subsampling(self) -> int:
        """Input frames for one output frame."""
        return 4


@dataclass(frozen=True)
class DeepSpeech2Config:
    """DeepSpeech2 (Amodei et al. 2016)."""

    name: str  # what --model chooses
    conv_channels: int  # [>= 1] of the two convolutions that halve the frame rate
    rnn: str  # [gru | lstm] kind of the recurrent layers, which run both ways
    rnn_dim: int  # [>= 1] their width, in each direction
    num_layers: int  # [>= 1] recurrent layers
    dropout: float  # [0 to 1] probability, in training

    @property
    def subsampling(self) -> int:
        """Input frames for one output frame."""
        return 4


@dataclass(frozen=True)
class TdnnfConfig:
    """Factored TDNN (Povey et al. 2018)."""

    name: str  # what --model chooses
    dim: int  # [>= 1] width of the layers
    bottleneck: int  # [>= 1] width between the two factors of a layer
    strides: tuple[int, ...]  # [each >= 1] of each layer, in output frames
    subsampling: int  # [>= 1] input frames for one output frame
    # [>= 0] p of the factors of channels, drawn from 1 - 2 p to 1 + 2 p in training
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

    ctc_scale: float  # [>= 0] of the CTC loss that regularises it
    ctc_epochs: int  # [>= 0] first epochs with CTC alone, fewer than max_epochs


@dataclass(frozen=True)
class TrainConfig:
    """Stage 6."""

    seed: int  # of first weights, batches, augmentation and dropout
    max_epochs: int  # [>= 1] the training ends after so many
    batch_seconds: float  # [> 0] audio of one batch, with padding
    optimizer: str  # [adamw | muon] muon: faster a step on matrices, see training.md
    learning_rate: float  # [> 0] the highest, after the warm-up
    warmup_steps: int  # updates until the rate is there
    final_lr_ratio: float  # of learning_rate, at the end of cosine and onecycle
    weight_decay: float  # [>= 0] of the optimizer
    clip_norm: float  # the gradient's largest norm
    # [auto | float32 | bfloat16] auto: bfloat16 where it measures faster
    precision: str
    num_workers: int  # processes that load and augment batches; 0: the training's own
    sorted_epochs: int  # first epochs from short to long (SortaGrad)
    checkpoint_minutes: float  # beside the one at the end of every epoch
    keep_checkpoints: int  # best epochs on dev that are kept
    accumulate: int  # [>= 1] batches of one update, in each process
    schedule: str  # [cosine | noam | onecycle | constant] after the warm-up
    # [>= 0, < 1] of the averaged weights, at each update; 0: none are kept
    ema_decay: float
    # [>= 0] epochs without a better dev WER that end the training; 0: never
    patience: int
    max_skipped: int  # [>= 1] steps in a row without a finite gradient that end it
    one_batch: bool  # only learn one batch by heart, as a first trial
    loss: str  # [ctc | mmi] mmi is LF-MMI
    # [each >= 0] after these, pronunciations are chosen anew (phones)
    realign_epochs: tuple[int, ...]
    mmi: MmiConfig
    augment: FeatureAugmentConfig  # on the fly
    spec_augment: SpecAugmentConfig

    def __post_init__(self) -> None:
        before, epochs = self.preliminary_epochs, self.max_epochs
        _require(
            0 <= before < max(epochs, 1),
            f"mmi.ctc_epochs={before}: from 0 and below train.max_epochs={epochs}",
        )

    @property
    def preliminary_epochs(self) -> int:
        """The first epochs, with CTC alone before LF-MMI; 0 where the loss is CTC."""
        return self.mmi.ctc_epochs if self.loss == "mmi" else 0


@dataclass(frozen=True)
class LogConfig:
    """What stage 6 writes down of a training; changes nothing in its weights."""

    # [auto | online | offline | off] auto: online where there is an API key
    wandb: str
    project: str  # of W&B
    every_steps: int  # [>= 1] steps from one line of metrics.jsonl to the next
    samples: int  # utterances of dev in each epoch's table
    beam_size: int  # of the beam search for that table
    spectrograms: int  # pictures of train, and as many of dev, each epoch
    audio: int  # training recordings, with their augmented copies, once


@dataclass(frozen=True)
class TuneConfig:
    """Stage 7: checkpoints averaged, and the values of the scales tried on dev."""

    average: int  # [>= 1] best epochs on dev whose weights are averaged
    # [0 to 1] share of the weights of --init-from in the model, beside those; see
    # training.md
    init_share: float
    lm_weights: tuple[float, ...]  # of beam-lm
    word_scores: tuple[float, ...]  # of beam-lm: ln, added for each word
    unk_scores: tuple[float, ...]  # of beam-lm: the same for one unknown to the n-gram
    hlg_scales: tuple[float, ...]  # of hlg: the graph's scores against the model's
    nbest_own_scales: tuple[float, ...]  # of hlg-nbest: HLG's n-gram
    nbest_larger_scales: tuple[float, ...]  # of hlg-nbest: the larger n-gram
    lattice_own_scales: tuple[float, ...]  # of hlg-lattice: HLG's n-gram
    lattice_larger_scales: tuple[float, ...]  # of hlg-lattice: the larger n-gram
    # [>= 1] each gap between two of the values above is tried in so many steps
    steps: int
    # The narrowest of these at which the best hypotheses' scores do not fall are taken, of
    # the bounds that decode leaves open.
    beam_sizes: tuple[int, ...]  # prefixes that beam-lm keeps after each frame
    beam_thresholds: tuple[float, ...]  # prefixes so far below the best are dropped
    token_thresholds: tuple[float, ...]  # tokens so far below a frame's best are too
    max_seconds: float  # [> 0] of dev audio; a larger dev set is thinned out evenly

    def __post_init__(self) -> None:
        for name in (field.name for field in dataclasses.fields(self)):
            value = getattr(self, name)
            _require(value != (), f"{name}=[]: at least one value to try")
        _require(self.steps >= 1, f"steps={self.steps}: from 1 on")
        share = self.init_share
        _require(0 <= share <= 1, f"init_share={share}: from 0 to 1")
        _require(self.max_seconds > 0, f"max_seconds={self.max_seconds}: above 0")


@dataclass(frozen=True)
class DecodeConfig:
    """Stage 8: what bounds the searches. The scales are stage 7's."""

    # [>= 1] prefixes that beam and beam-lm keep after each frame; null: chosen on dev
    beam_size: int | None
    # [>= 1] the same of beam-lm with phones; null: chosen on dev
    phone_beam_size: int | None
    # [> 0] prefixes this far (ln) below the best are dropped; null: chosen on dev
    beam_threshold: float | None
    # [> 0] tokens this far (ln) below the frame's best are not tried; null: chosen on dev
    token_threshold: float | None
    # ln, added for a word that the n-gram does not know; null: chosen on dev
    unk_score: float | None
    nbest: int  # [>= 1] hypotheses of an utterance in nbest.jsonl
    search_beam: float  # [> 0] of HLG: paths so far below the frame's best are dropped
    output_beam: float  # [> 0] of lattices: paths so far below the best are dropped
    min_active: int  # [>= 0] states of HLG kept in any frame; below max_active
    max_active: int  # [>= 2] states of HLG kept in a frame at most
    # [auto | k2 | kaldi-decoder] of hlg; auto: kaldi-decoder on a CPU
    hlg_backend: str
    num_paths: int  # [>= 1] sampled from each lattice by hlg-nbest
    nbest_scale: float  # of the lattice's scores in that sampling: lower, more variety


@dataclass(frozen=True)
class LongAudioConfig:
    """A user's recordings that are longer than what a model is trained on."""

    # [1 to 3600] what is longer is heard and searched in such parts
    window_seconds: float
    # [>= 0] of two windows that the model hears; half a window at most
    overlap_seconds: float

    def __post_init__(self) -> None:
        window, overlap = self.window_seconds, self.overlap_seconds
        _require(1 <= window <= 3600, f"window_seconds={window}: from 1 to 3600")
        half = 0 <= overlap <= window / 2
        _require(half, f"overlap_seconds={overlap}: from 0 to half a window")


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
