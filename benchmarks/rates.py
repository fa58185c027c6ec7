"""Competitors measured in turn, and the table of their rates."""

import os
import statistics
from collections.abc import Callable

import torch

Competitors = dict[str, Callable[[], float]]  # what they return: more is better
Rates = dict[str, list[float]]


def one_core() -> None:
    """Keep this process, and all threads that it starts, to one core."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    torch.set_num_threads(1)


def measure_in_turn(competitors: Competitors, rounds: int) -> Rates:
    """Let all competitors run once a round, the order turning by one each time.

    A machine that is shared with others gets faster and slower by the minute; so all
    of them meet the same moments. One round more comes first and is not counted.

    Args:
        competitors: by name.
        rounds: how often each is measured.
    """
    names = list(competitors)
    rates: Rates = {name: [] for name in names}
    for turn in range(rounds + 1):
        first = turn % len(names)
        for name in (*names[first:], *names[:first]):
            rate = competitors[name]()
            if turn:
                rates[name].append(rate)
        print(f"round {turn} of {rounds}", flush=True)
    return rates


def show(title: str, unit: str, rates: Rates, ours: str) -> None:
    """Print medians, and ours over each other's: the median of the rounds' ratios."""
    print(f"\n{title}\n\n| | {unit} | from - to | ours is |\n|---|---|---|---|")
    for name, values in rates.items():
        ratios = [a / b for a, b in zip(rates[ours], values, strict=True)]
        ratio = "" if name == ours else f"{statistics.median(ratios):.2f} x"
        middle, low, high = statistics.median(values), min(values), max(values)
        print(f"| {name} | {middle:,.0f} | {low:,.0f} - {high:,.0f} | {ratio} |")
    print(flush=True)
