"""Errors and times of recognisers that took turns, as a Markdown table."""

import statistics
from collections.abc import Mapping, Sequence

from asr.score.bootstrap import compare, interval
from asr.score.error_rate import ErrorRate, count_errors
from asr.text.normalize import Rule
from benchmarks.taking_turns import Heard

HEAD = (
    "system",
    "%WER (95 %)",
    "ins",
    "del",
    "sub",
    "WER less {}'s (95 %)",
    "RTF (from - to)",
    "RTF, CPU time",
    "{}'s time / this",
    "start, s",
    "peak RSS, MiB",
)


def table(
    heard: Mapping[str, Heard], refs: Mapping[str, str], audio: float, rule: Rule
) -> str:
    """One row for each recogniser; the first is what the others are compared with.

    Args:
        refs: transcript by file, of those that have one; only these are scored.
        audio: seconds of all files.
        rule: normalises references and hypotheses.
    """
    peer = next(iter(heard))
    errors = {name: errors_of(found, refs, rule) for name, found in heard.items()}
    lines = [[cell.format(peer) for cell in HEAD], ["---"] * len(HEAD)]
    for name, found in heard.items():
        total = ErrorRate.total(errors[name])
        cells = [name, rate_cell(errors[name])]
        cells += [str(count) for count in (total.ins, total.dels, total.subs)]
        cells += [difference_cell(errors[peer], errors[name]) if name != peer else ""]
        cells += time_cells(found, heard[peer], audio)
        cells += [f"{found.start_seconds:.1f}", f"{found.peak_rss_mb:.0f}"]
        lines.append(cells)
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def errors_of(heard: Heard, refs: Mapping[str, str], rule: Rule) -> list[ErrorRate]:
    """Word errors of each file that has a transcript, both sides normalised."""
    return [
        count_errors(rule(ref).split(), rule(heard.texts[file]).split())
        for file, ref in refs.items()
    ]


def rate_cell(errors: Sequence[ErrorRate]) -> str:
    found = interval(errors)
    low, high = 100 * found.low, 100 * found.high
    return f"{100 * found.value:.2f} ({low:.1f} - {high:.1f})" if errors else ""


def difference_cell(first: Sequence[ErrorRate], second: Sequence[ErrorRate]) -> str:
    """Paired: the same utterances are drawn for both."""
    if not first:
        return ""
    found = compare(first, second).difference
    low, high = 100 * found.low, 100 * found.high
    return f"{100 * found.value:+.2f} ({low:+.1f} - {high:+.1f})"


def time_cells(heard: Heard, peer: Heard, audio: float) -> list[str]:
    """RTF by the clock and by the processor's time, and the ratio to the peer's.

    Medians of the rounds; the ratio is the median of the rounds' ratios.
    """
    clock = [seconds / audio for seconds in heard.seconds]
    cpu = statistics.median(heard.cpu_seconds) / audio
    pairs = zip(peer.seconds, heard.seconds, strict=True)
    ratio = statistics.median(theirs / ours for theirs, ours in pairs)
    middle, low, high = statistics.median(clock), min(clock), max(clock)
    spread = f"{middle:.4f} ({low:.4f} - {high:.4f})"
    return [spread, f"{cpu:.4f}", "" if heard is peer else f"{ratio:.1f} x"]
