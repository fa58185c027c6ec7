"""The table of all decoders on one set."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from asr.atomic import write_text
from asr.score.error_rate import ErrorRate

COLUMNS = (
    "method",
    "wer",
    "cer",
    "ins",
    "del",
    "sub",
    "words",
    "rtf",
    "peak_rss_mb",
)

PHONE_COLUMNS = ("method", "per", "ins", "del", "sub", "phones", "rtf", "peak_rss_mb")


@dataclass(frozen=True)
class Result:
    """One decoder on one set.

    Attributes:
        rtf: seconds of search for a second of audio.
        peak_rss_mb: most memory that the decoder's process had, MiB.
    """

    method: str
    wer: ErrorRate
    cer: ErrorRate
    rtf: float
    peak_rss_mb: float

    @property
    def phone_row(self) -> tuple[str, ...]:
        """Of a decoder that recognises phones; ``wer`` counts them."""
        return self.row[:2] + self.row[3:]

    @property
    def row(self) -> tuple[str, ...]:
        return (
            self.method,
            f"{100 * self.wer.rate:.2f}",
            f"{100 * self.cer.rate:.2f}",
            str(self.wer.ins),
            str(self.wer.dels),
            str(self.wer.subs),
            str(self.wer.length),
            f"{self.rtf:.4f}",
            f"{self.peak_rss_mb:.0f}",
        )


def write_results(results: Sequence[Result], path: Path) -> None:
    """Write ``results.tsv``: a header and a line a method."""
    _write([COLUMNS, *(result.row for result in results)], path)


def write_phone_results(results: Sequence[Result], path: Path) -> None:
    """Write ``results_phones.tsv``: the same with phone error rates."""
    _write([PHONE_COLUMNS, *(result.phone_row for result in results)], path)


def _write(rows: Sequence[Sequence[str]], path: Path) -> None:
    write_text(path, "".join("\t".join(row) + "\n" for row in rows))


def table(path: Path) -> str:
    """Lay a ``results.tsv`` out for reading: names left, numbers right."""
    lines = path.read_text(encoding="utf-8").splitlines()
    rows = [line.split("\t") for line in lines]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if i else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    )
