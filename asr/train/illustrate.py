"""Samples and spectrograms of every epoch, as files."""

import re
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

from asr.data.dataset import Batch, Utterance
from asr.errors import RecipeError
from asr.train.log_files import (
    AUDIO,
    SAMPLES,
    SAMPLES_HEADER,
    SPECTROGRAMS,
    write_table,
)
from asr.train.samples import choose, decode_samples
from asr.train.split import Split

Examples = Callable[[Path], None]  # writes audio examples to a folder


class Illustrator:
    """Writes what one looks at beside the curves.

    ``samples/epoch-N.tsv``: random dev utterances, decoded. ``spectrograms/``:
    ``epoch-N-train-K.png``, augmented, from the epoch's first batch as the model saw
    it; ``epoch-N-dev-K.png``. ``audio/``: written once, by ``examples``.

    Args:
        folder: of the log.
        tokens: of the model, blank first; ``separator`` stands between them in a text.
        samples, spectrograms: how many, each epoch.
        seed: with the epoch, decides which dev utterances are taken.
    """

    def __init__(
        self,
        folder: Path,
        dev: Split,
        tokens: list[str],
        *,
        samples: int,
        spectrograms: int,
        beam_size: int,
        seed: int,
        examples: Examples,
        separator: str = "",
    ) -> None:
        self.separator = separator
        self.folder, self.dev_split, self.tokens = folder, dev, tokens
        self.samples, self.spectrograms = samples, spectrograms
        self.beam_size, self.seed, self.examples = beam_size, seed, examples

    def begin(self, epoch: int, midway: bool) -> None:
        """Remove what lies after ``epoch`` whole epochs, and will come again.

        ``midway``: the pictures of the next epoch's first batch are made already.
        """
        for path in list(self.folder.glob("*/epoch-*")):
            number = int(re.findall(r"epoch-(\d+)", path.name)[0])
            made = midway and number == epoch + 1 and "-train-" in path.name
            if number > epoch and not made:
                path.unlink()
        if not (self.folder / AUDIO).exists():
            self.examples(self.folder / AUDIO)

    def train(self, epoch: int, batch: Batch) -> None:
        """Draw the first utterances of the first batch of an epoch."""
        number = min(self.spectrograms, len(batch.ids))
        if not number or self._picture(epoch, "train", 0).exists():
            return
        # Backwards: that the first picture exists says that all do.
        for i in reversed(range(number)):
            features = batch.features[i, : int(batch.feature_lengths[i])]
            title = f"{batch.ids[i]}, augmented, epoch {epoch}"
            self._draw(features, self._picture(epoch, "train", i), title)

    def dev(self, epoch: int, model: nn.Module) -> None:
        """Decode this epoch's random dev utterances, and draw the first of them."""
        split = self.dev_split
        number = max(self.samples, self.spectrograms)
        chosen = choose(split.utterances, number, self.seed, epoch)
        if self.samples:
            self._decode(epoch, model, chosen[: self.samples])
        for i, utterance in enumerate(chosen[: self.spectrograms]):
            features = torch.from_numpy(split.reader.read(utterance.id))
            title = f"{utterance.id}, dev"
            self._draw(features, self._picture(epoch, "dev", i), title)

    def _decode(self, epoch: int, model: nn.Module, chosen: list[Utterance]) -> None:
        path = self.folder / SAMPLES / f"epoch-{epoch}.tsv"
        try:
            decoded = decode_samples(
                model,
                self.dev_split,
                chosen,
                self.tokens,
                self.beam_size,
                self.separator,
            )
        except RecipeError as error:  # NaN; what to do about it the trainer decides
            print(f"log: no samples of epoch {epoch}: {error}", flush=True)
        else:
            write_table(path, SAMPLES_HEADER, [sample.row for sample in decoded])

    def _picture(self, epoch: int, split: str, number: int) -> Path:
        name = f"epoch-{epoch}-{split}-{number + 1}.png"
        return self.folder / SPECTROGRAMS / name

    def _draw(self, features: Tensor, path: Path, title: str) -> None:
        from asr.plot.spectrogram import draw_spectrogram  # matplotlib loads slowly

        draw_spectrogram(features.cpu().numpy(), path, title)
