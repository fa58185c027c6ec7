"""The results of an experiment's decoders: ``results.tsv`` and ``report.html``."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from asr.atomic import write_text
from asr.score.bootstrap import Comparison, Interval, compare, interval
from asr.score.calc_metrics import Scores
from asr.score.details import word_pairs
from asr.score.error_rate import GAP, ErrorRate

COLUMNS = ("method", "wer", "cer", "ins", "del", "sub", "words", "rtf", "peak_rss_mb")
PHONE_COLUMNS = ("method", "per", "ins", "del", "sub", "phones", "rtf", "peak_rss_mb")
WORST, TOP_PAIRS = (
    8,
    15,
)  # utterances of a set, pairs of words of each kind in the report
TEMPLATE = Path(__file__).with_name("report.html.j2")


@dataclass(frozen=True)
class Result:
    """One decoder on one set."""

    method: str
    wer: ErrorRate
    cer: ErrorRate
    rtf: float  # seconds of search for a second of audio
    peak_rss_mb: float  # most memory that the decoder's process had, MiB

    @property
    def row(self) -> tuple[str, ...]:
        errors = self.wer
        counts = (errors.ins, errors.dels, errors.subs, errors.length)
        rates = (f"{100 * errors.rate:.2f}", f"{100 * self.cer.rate:.2f}")
        cost = (f"{self.rtf:.4f}", f"{self.peak_rss_mb:.0f}")
        return (self.method, *rates, *map(str, counts), *cost)


def write_results(results: Sequence[Result], path: Path, phones: bool = False) -> None:
    """Write a header and a line a method.

    Args:
        phones: ``wer`` counts phones, and there is no character error rate.
    """
    rows = [COLUMNS, *(result.row for result in results)]
    if phones:
        rows = [PHONE_COLUMNS, *(row[:2] + row[3:] for row in rows[1:])]
    write_text(path, "".join("\t".join(row) + "\n" for row in rows))


def table(path: Path) -> str:
    """Lay a ``results.tsv`` out for reading: names left, numbers right."""
    rows = [line.split("\t") for line in path.read_text("utf-8").splitlines()]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if i else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    )


@dataclass(frozen=True)
class Decoder:
    """One decoder on one set, with all its hypotheses; ``rtf`` etc. as in Result."""

    name: str
    scores: Scores
    rtf: float
    peak_rss_mb: float

    @cached_property
    def wer(self) -> Interval:
        return interval(list(self.scores.words.values()))

    @cached_property
    def cer(self) -> Interval:
        return interval(list(self.scores.characters.values()))

    def against(self, best: "Decoder") -> Comparison | None:
        """Compare with the best decoder; None if this is the best itself."""
        if best is self:
            return None
        first, second = best.scores.words, self.scores.words
        return compare(list(first.values()), list(second.values()))


@dataclass(frozen=True)
class TestSet:
    """All decoders on one set; they have the same references.

    Attributes:
        unit: ``PER`` where their output is phones.
    """

    __test__ = False  # no class of tests, pytest

    name: str
    decoders: Sequence[Decoder]
    unit: str = "WER"

    @cached_property
    def best(self) -> Decoder:
        return min(self.decoders, key=lambda d: d.scores.wer.rate)

    @cached_property
    def worst(self) -> list[str]:
        """Utterances in which the best decoder made most errors."""
        words = self.best.scores.words
        wrong = [id_ for id_, found in words.items() if found.errors]
        return sorted(wrong, key=lambda i: (-words[i].errors, -words[i].rate))[:WORST]


def report_page(
    title: str,
    config: str,
    curves: bytes | None,
    sets: Sequence[TestSet],
    clips: Mapping[tuple[str, str], bytes],
) -> str:
    """Make ``report.html``, one page which needs no network.

    Args:
        title: the experiment.
        config: its resolved configuration, the commit in the first line.
        curves: PNG of the training.
        clips: FLAC audio by (set, utterance).
    """
    from jinja2 import Environment, StrictUndefined  # not needed to show a table

    environment = Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined
    )
    environment.filters["percent"] = lambda x, digits=2: f"{100 * x:.{digits}f}"
    environment.filters["word_pairs"] = word_pairs
    environment.filters["base64"] = lambda content: base64.b64encode(content).decode()
    return environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(
        title=title,
        config=config,
        curves=curves,
        sets=sets,
        clips=clips,
        methods=list(dict.fromkeys(d.name for found in sets for d in found.decoders)),
        overview=["decoder", *(f"{found.name}, %{found.unit}" for found in sets)],
        gap=GAP,
        top_pairs=TOP_PAIRS,
    )
