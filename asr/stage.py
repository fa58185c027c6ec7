"""Stages that restart safely: done-markers with configuration and inputs.

A marker is written last. It holds the part of the configuration that the stage's
outputs depend on and a fingerprint of the inputs; the stage is done as long as both
are what they were and the outputs exist.
"""

import json
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from asr.atomic import remove, write_text
from asr.config_tree import flatten
from asr.done_marker import changes, read_marker
from asr.errors import RecipeError
from asr.fingerprint import fingerprint
from asr.job import Job
from asr.stage_lock import alone

FIRST_WITH_MODEL = 8  # number of the first stage that runs with a finished model


@dataclass(frozen=True)
class Stage:
    """One stage of the recipe.

    Attributes:
        number, name: as in ``run.sh --stage``; ``name`` is the module in asr/bin too.
        keys: prefixes of the flat configuration that the outputs depend on.
        needs: stages whose outputs are read.
        inputs, outputs: files read and written, known before the stage runs.
        marker: where the done-marker lies.
        facts: what else the outputs depend on, such as a folder of the user; later
            stages do not ask for the same again.
        free_keys: keys below ``keys`` that change how it runs but not what comes out.
        own_keys: of ``keys``, those that later stages need not be given again: what
            was made with them is there, and nothing else depends on them.
    """

    number: int
    name: str
    keys: tuple[str, ...]
    needs: tuple[str, ...]
    inputs: Callable[[Job], Sequence[Path]]
    outputs: Callable[[Job], Sequence[Path]]
    marker: Callable[[Job], Path]
    facts: Callable[[Job], dict[str, Any]] = lambda job: {}
    free_keys: tuple[str, ...] = ()
    own_keys: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        return f"stage {self.number} {self.name}"

    def settings(self, job: Job) -> dict[str, Any]:
        """The part of the configuration that decides the outputs."""
        return {
            key: value
            for key, value in flatten(job.config).items()
            if self.depends_on(key)
        }

    def depends_on(self, key: str) -> bool:
        """Whether a key of the flat configuration decides the outputs."""
        return _under(key, self.keys) and key not in self.free_keys


@dataclass(frozen=True)
class Peers:
    """Processes that run the same stage together; by default there are none.

    Attributes:
        writes: whether this is the one that writes the marker.
        wait: returns when all of them have called it.
    """

    writes: bool = True
    wait: Callable[[], None] = lambda: None


def run_stage(
    stage: Stage, job: Job, stages: Sequence[Stage], peers: Peers | None = None
) -> bool:
    """Run the stage unless it is done; return whether it ran.

    Raises:
        RecipeError: a stage before it has not been run, or with another configuration;
            another process is running this one.
    """
    peers = peers or Peers()
    check_ready(stage, job, stages)
    wanted = {
        "settings": stage.settings(job),
        "facts": stage.facts(job),
        "inputs": fingerprints(stage, job),
    }
    marker = stage.marker(job)
    reason = why_not_done(stage, job, wanted)
    peers.wait()  # all have read the marker before one of them removes it
    if reason is None:
        print(f"{stage.title}: already done ({marker})", flush=True)
        return False
    with alone(stage.title, marker) if peers.writes else nullcontext():
        if marker.exists():
            print(f"{stage.title}: done again, because {reason}", flush=True)
            if peers.writes:
                remove(marker)
        entry_point(stage)(job)
        if peers.writes:
            write_text(marker, json.dumps(wanted, indent=1, sort_keys=True) + "\n")
    return True


def check_ready(stage: Stage, job: Job, stages: Sequence[Stage]) -> None:
    """Raise unless the stages before it are done and their files are there."""
    for needed in stages:
        if needed.name in stage.needs and not _brought(needed, job):
            check_needed(stage, needed, job, stages)
    check_inputs(stage, job, stages)


def _brought(needed: Stage, job: Job) -> bool:
    """Whether a finished model stands for what this stage would have made."""
    return job.model_dir is not None and needed.number < FIRST_WITH_MODEL


def check_needed(
    stage: Stage, needed: Stage, job: Job, stages: Sequence[Stage]
) -> None:
    """Raise unless ``needed`` is done with this run's configuration."""
    if _ready(needed, job):
        return
    before = (s for s in stages if s.number < needed.number and not _brought(s, job))
    first = next((s for s in before if not _ready(s, job)), needed)
    again = f"run ./run.sh --stage {first.number} first, with the same options"
    if not needed.marker(job).exists():
        raise RecipeError(f"{stage.title}: {needed.title} is not done; {again}")
    raise RecipeError(
        f"{stage.title}: {needed.title} was run with another configuration "
        f"({_changed(needed, job)}); {again}"
    )


def _ready(stage: Stage, job: Job) -> bool:
    return stage.marker(job).exists() and not _changed(stage, job)


def _changed(stage: Stage, job: Job) -> str:
    """What others care for and is no more as when the stage was done, in words."""
    old = _noted(stage, read_marker(stage.marker(job)))["settings"]
    both = (
        {k: v for k, v in settings.items() if not _under(k, stage.own_keys)}
        for settings in (old, stage.settings(job))
    )
    return changes(*both)


def check_inputs(stage: Stage, job: Job, stages: Sequence[Stage]) -> None:
    """Raise unless all input files exist."""
    for path in stage.inputs(job):
        if not path.exists():
            makers = [s.number for s in stages if path in s.outputs(job)]
            raise RecipeError(
                f"{stage.title}: {path} is missing; run ./run.sh --stage "
                f"{makers[0] if makers else 0} again, with the same options (what is "
                "there is not repeated)"
            )


def why_not_done(stage: Stage, job: Job, wanted: dict[str, Any]) -> str | None:
    """Say why the stage has to run, or None if its outputs stand."""
    marker = stage.marker(job)
    if not marker.exists():
        return "it was not finished"
    old = _noted(stage, read_marker(marker))
    for part in ("settings", "facts", "inputs"):
        changed = changes(old.get(part, {}), wanted[part])
        if changed:
            return changed
    for path in stage.outputs(job):
        if not path.exists():
            return f"{path} is missing"
    return None


def _noted(stage: Stage, content: dict[str, Any]) -> dict[str, Any]:
    """What a marker holds, less keys that the stage once depended on."""
    settings = content.get("settings", {})
    kept = {key: value for key, value in settings.items() if stage.depends_on(key)}
    return {**content, "settings": kept}


def fingerprints(stage: Stage, job: Job) -> dict[str, str]:
    """Fingerprint of every input file, by name."""
    return {str(path): fingerprint(path) for path in stage.inputs(job)}


def _under(key: str, prefixes: Sequence[str]) -> bool:
    return any(key == p or key.startswith(p + ".") for p in prefixes)


def entry_point(stage: Stage) -> Callable[[Job], None]:
    """Import the stage's module only now: a finished stage costs no torch import."""
    from importlib import import_module

    run: Callable[[Job], None] = import_module(f"asr.bin.{stage.name}").run
    return run
