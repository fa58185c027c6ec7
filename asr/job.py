"""What one command works on: the configuration and where things lie."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from asr.config import Config

DECODERS = (  # run.sh reads them here too
    "greedy",
    "beam",
    "beam-lm",
    "ctc",
    "hlg",
    "hlg-nbest",
    "hlg-lattice",
)
# Those that know no lexicon: where units are phones, phones are what they recognise.
WITHOUT_LEXICON = ("greedy", "beam", "ctc")
RESCORED = "rescored"  # what local/rescore.sh makes of beam-lm's lists, beside them
RESCORED_LISTS = "nbest-lists"  # those lists


TIMED = ("srt", "vtt", "textgrid")  # what --write may add to a decoder's folder

SMALL_ARPA = 20 * 2**20  # bytes: loaded in half a second
PHONE_ARPA = 200 * 2**20  # the same for the search of phones: in five seconds

# What stage 3 writes into the lang folder beside tokens.txt, by tokenizer.kind.
LANG_FILES = {
    "bpe": ("sp.model",),
    "char": ("sp.model",),
    "phone": ("pronunciations.txt", "guessed.txt", "g2p.npz"),
}


@dataclass(frozen=True)
class Paths:
    """The three folders that a user names, and what the stages keep in them."""

    download: Path
    data: Path
    exp: Path
    model: Path | None = None  # where another model than exp's own lies

    @property
    def manifests(self) -> Path:
        return self.data / "manifests"

    def recordings(self, split: str) -> Path:
        return self.manifests / f"{split}_recordings.jsonl.gz"

    def supervisions(self, split: str) -> Path:
        return self.manifests / f"{split}_supervisions.jsonl.gz"

    def cuts(self, split: str) -> Path:
        """Cuts without features (stage 1)."""
        return self.manifests / f"{split}_cuts.jsonl.gz"

    @property
    def dropped(self) -> Path:
        """What stage 1 left out: split, id, reason, detail."""
        return self.manifests / "dropped.tsv"

    @property
    def fbank(self) -> Path:
        return self.data / "fbank"

    def feature_cuts(self, split: str) -> Path:
        """Cuts with features (stage 2)."""
        return self.fbank / f"{split}_cuts.jsonl.gz"

    def feature_index(self, split: str) -> Path:
        """Where each utterance's frames lie in the HDF5 shards."""
        return self.fbank / f"{split}_index.tsv"

    def lang(self, unit: str) -> Path:
        """Tokenizer, lexicon and graphs of one unit (``char``, ``phone``, ``bpe_500``)."""
        return self.data / f"lang_{unit}"

    @property
    def lm(self) -> Path:
        return self.data / "lm"

    def arpa(self, order: int) -> Path:
        return self.lm / f"{order}gram.arpa"

    def lm_binary(self, order: int) -> Path:
        """The same n-gram for KenLM; absent where ``build_binary`` is."""
        return self.lm / f"{order}gram.bin"

    @property
    def checkpoints(self) -> Path:
        return self.exp / "checkpoints"

    @property
    def log(self) -> Path:
        """Metrics, curves, samples and pictures of the training."""
        return self.exp / "log"

    @property
    def averaged(self) -> Path:
        return (self.model or self.exp) / "averaged.pt"

    @property
    def decode_yaml(self) -> Path:
        """The scales chosen on dev by stage 7, read by stage 8."""
        return (self.model or self.exp) / "decode.yaml"

    def decode_dir(self, name: str) -> Path:
        """Log-probs, hypotheses and results of one set."""
        return self.exp / f"decode_{name}"


@dataclass(frozen=True)
class Job:
    """One stage's work order."""

    config: Config
    paths: Paths
    corpus_dir: Path
    nj: int
    test_dir: Path | None
    decoders: tuple[str, ...]  # empty: all that this machine can run
    init_from: Path | None = None  # checkpoint whose weights training begins with
    channel: int | None = None  # of the user's recordings, from 1 on; None: their mean
    # Of a finished model that is used instead of one's own.
    model_dir: Path | None = None
    write: tuple[str, ...] = ()  # of TIMED, for every recording
    hotwords: Mapping[str, float] = field(default_factory=dict)  # weights by word

    @property
    def lang(self) -> Path:
        return self.paths.lang(self.config.tokenizer.unit)

    @property
    def lm_file(self) -> Path:
        """The n-gram that decoders load: KenLM's binary, or the ARPA file.

        The beam search is faster with an ARPA file, but a large one takes seconds to
        load, a hundred megabytes two, and that for each process. The search of phones
        asks for many more words: with the binary it takes nine times as long.
        """
        most = PHONE_ARPA if self.config.tokenizer.kind == "phone" else SMALL_ARPA
        arpa = self.paths.arpa(self.config.lm.order)
        binary = self.paths.lm_binary(self.config.lm.order)
        small = arpa.exists() and arpa.stat().st_size <= most
        return arpa if small or not binary.exists() else binary

    @property
    def neural_lm(self) -> Path:
        """Folder of the neural LM over this run's tokens."""
        return self.paths.data / f"neural_lm_{self.config.tokenizer.unit}"

    @property
    def splits(self) -> tuple[str, ...]:
        """All sets of the corpus: train, dev, and the test sets."""
        return ("train", "dev", *self.config.corpus.test_sets)

    @property
    def decode_sets(self) -> tuple[str, ...]:
        """The sets that stages 8 and 9 work on."""
        if self.test_dir is not None:
            name = "_".join(self.test_dir.resolve().name.split()) or "root"
            return (f"user_{name}" if name in self.splits else name,)
        return self.config.corpus.test_sets
