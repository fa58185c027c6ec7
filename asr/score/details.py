"""Texts of the detail files, as Kaldi's scoring scripts write them."""

from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import chain

from asr.errors import RecipeError
from asr.score.bootstrap import Comparison, Interval
from asr.score.error_rate import GAP, Alignment, ErrorRate, operation
from asr.score.transcripts import named

KINDS = {"C": "correct", "S": "substitution", "I": "insertion", "D": "deletion"}
COLUMNS = ("#SENT", "#WORD", "Corr", "Sub", "Ins", "Del", "Err", "S.Err")
Pair = tuple[str, int, str, str]  # kind, -count, reference and hypothesis word


def per_utterance(id_: str, alignment: Alignment) -> str:
    """Format Kaldi's ``per_utt`` of an utterance: ref, hyp, op, and #csid."""
    refs = [ref or GAP for ref, _ in alignment.pairs]
    hyps = [hyp or GAP for _, hyp in alignment.pairs]
    widths = list(map(max, map(len, refs), map(len, hyps)))
    lines = [f"{id_} {name} " for name in ("ref", "hyp", "op ")]
    for i, words in enumerate((refs, hyps, alignment.operations)):
        lines[i] += " " + "  ".join(map(str.ljust, words, widths))
    counts = " ".join(str(alignment.operations.count(kind)) for kind in "CSID")
    return "\n".join([*(line.rstrip() for line in lines), f"{id_} #csid {counts}"])


def word_pairs(alignments: Iterable[Alignment]) -> list[Pair]:
    """Count how each word was recognised, missed or made up; most frequent first."""
    found = Counter(chain.from_iterable(each.pairs for each in alignments))
    return sorted(
        (KINDS[operation(*pair)], -count, pair[0] or GAP, pair[1] or GAP)
        for pair, count in found.items()
    )


def operation_lines(pairs: Iterable[Pair]) -> str:
    """Format Kaldi's ``ops``: kind, reference word, hypothesis word, how often."""
    rows = list(pairs)
    longest = max((max(len(ref), len(hyp)) for _, _, ref, hyp in rows), default=0)
    width = min(16, longest)  # a few long words would widen all lines
    digits = max((len(str(-count)) for _, count, _, _ in rows), default=1)
    return "".join(
        f"{kind:<12}  {ref:>{width}}    {hyp:>{width}}    {-count:>{digits}}\n"
        for kind, count, ref, hyp in rows
    )


def confusion_lines(pairs: Iterable[Pair]) -> str:
    """List confusion pairs as sclite does, ``count  ref -> hyp``."""
    return "".join(
        f"{-count:>6}  {ref} -> {hyp}\n"
        for kind, count, ref, hyp in pairs
        if kind == KINDS["S"]
    )


def per_speaker(words: Mapping[str, ErrorRate], speakers: Mapping[str, str]) -> str:
    """Format Kaldi's ``per_spk``: each speaker's counts, and percent of the words.

    Args:
        words: the counts of each utterance.
        speakers: by utterance.

    Raises:
        RecipeError: an utterance has no speaker.
    """
    missing = set(words) - set(speakers)
    if missing:
        raise RecipeError(f"utt2spk: no speaker for {named(missing)}")
    groups: dict[str, list[ErrorRate]] = {}
    for id_, counts in words.items():
        groups.setdefault(speakers[id_], []).append(counts)
    width = max([15, *map(len, groups)])
    heads = "".join(f" {name:>10}" for name in COLUMNS)
    lines = [f"{'SPEAKER':<{width}} id {heads}"]
    for name in sorted(groups, key=str.encode):
        lines += _speaker(f"{name:<{width}}", groups[name])
    lines += _speaker(f"{'SUM':<{width}}", list(words.values()))
    return "\n".join(lines) + "\n"


def _speaker(name: str, utterances: list[ErrorRate]) -> list[str]:
    sum_ = ErrorRate.total(utterances)
    counts = (sum_.correct, sum_.subs, sum_.ins, sum_.dels, sum_.errors)
    wrong = sum(each.errors > 0 for each in utterances)
    size = f" {len(utterances):>10} {sum_.length:>10}"
    lines = [f"{name} raw{size}" + "".join(f" {n:>10}" for n in (*counts, wrong))]
    if sum_.length:
        shares = [100 * n / sum_.length for n in counts]
        shares.append(100 * wrong / len(utterances))
        lines.append(f"{name} sys{size}" + "".join(f" {x:>10.2f}" for x in shares))
    return lines


def interval_lines(name: str, found: Interval) -> str:
    """Format Kaldi's ``wer_bootci`` of one hypothesis set."""
    return _set_line("Set1", name, found)


def comparison_lines(name: str, found: Comparison) -> str:
    """Format ``wer_bootci`` of two sets; unlike Kaldi also their difference and p."""
    gained = found.difference
    return (
        _set_line("Set1", name, found.first)
        + _set_line("Set2", name, found.second)
        + f"Probability of Set2 improving Set1: {100 * found.improved:.2f}\n"
        + f"Set2 - Set1: %{name} {100 * gained.value:+.2f} 95% Conf Interval "
        + f"[ {100 * gained.low:+.2f}, {100 * gained.high:+.2f} ] p = {found.p:.4f}\n"
    )


def _set_line(set_: str, name: str, found: Interval) -> str:
    return (
        f"{set_}: %{name} {100 * found.value:.2f} 95% Conf Interval "
        f"[ {100 * found.low:.2f}, {100 * found.high:.2f} ]\n"
    )
