"""Recognisers that take turns file by file, each in a process of its own.

A machine that is shared with others gets faster and slower by the minute; so all of them
meet the same moments, and the first turn goes round too.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.worker import Answer, Load, Worker


@dataclass
class Heard:
    """What a recogniser made of the files.

    Attributes:
        texts: by file; of the first round.
        seconds, cpu_seconds: of each round, reading to text; by the clock, and the
            processor's.
        start_seconds: from the process's start till it could recognise: imports, model.
        peak_rss_mb: most memory that the process has had, MiB.
        unsteady: files whose text was another one in a later round.
    """

    start_seconds: float
    texts: dict[str, str] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)
    cpu_seconds: list[float] = field(default_factory=list)
    peak_rss_mb: float = 0.0
    unsteady: set[str] = field(default_factory=set)


def take_turns(
    loads: Mapping[str, Load], files: Sequence[str], rounds: int
) -> dict[str, Heard]:
    """Let every recogniser recognise every file, some times.

    What libraries do at their first call is not counted: each begins with a file that
    it gets again. All files have been read once before.

    Raises:
        RecipeError: one of them cannot be loaded, or fails.
    """
    for file in files:
        Path(file).read_bytes()
    workers = {name: Worker(name, load) for name, load in loads.items()}
    heard = {name: Heard(worker.start_seconds) for name, worker in workers.items()}
    names = list(workers)
    for worker in workers.values():
        worker.ask(files[0])
    for turn in range(rounds):
        for found in heard.values():
            found.seconds.append(0.0)
            found.cpu_seconds.append(0.0)
        for number, file in enumerate(files):
            first = (turn + number) % len(names)
            for name in (*names[first:], *names[:first]):
                _add(heard[name], file, workers[name].ask(file))
        print(f"round {turn + 1} of {rounds}: {len(files)} files", flush=True)
    for name, worker in workers.items():
        heard[name].peak_rss_mb = worker.close()
    return heard


def _add(heard: Heard, file: str, answer: Answer) -> None:
    text, seconds, cpu = answer
    if heard.texts.setdefault(file, text) != text:
        heard.unsteady.add(file)
    heard.seconds[-1] += seconds
    heard.cpu_seconds[-1] += cpu
