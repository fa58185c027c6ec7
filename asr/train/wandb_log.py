"""Weights & Biases, kept at arm's length.

W&B runs in a process of its own (:mod:`asr.train.wandb_run`), which reads the local
log as it grows. Training never waits for it: neither a lost network nor a crash, nor
its threads, signal handlers and random numbers can reach the training process.
"""

import json
import netrc
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from urllib.parse import urlsplit

from torch import nn

from asr.atomic import write_text
from asr.config_load import ROOT
from asr.errors import UsageError
from asr.train.log import StepRecord, TrainLog
from asr.train.log_files import METRICS, WANDB_MESSAGES
from asr.train.state import Result, TrainState
from asr.train.wandb_run import SAID, RunOptions, unfinished

MODES = ("auto", "online", "offline", "off")
INIT_SECONDS = 30.0  # to reach the server
FINISH_SECONDS = 60.0  # for the last uploads; what is missing can be synced later


class WandbLog(TrainLog):
    """Starts the process, notices if it dies, and ends it.

    Args:
        folder: of the local log, whose ``FileLog`` is told before this one.
        config: YAML file of the resolved configuration.
        id_file: where the run's id is kept: beside the checkpoints.
        mode: online | offline.
        finish_seconds: at most this long ``close`` waits.
    """

    def __init__(
        self,
        folder: Path,
        config: Path,
        id_file: Path,
        *,
        name: str,
        project: str,
        mode: str,
        finish_seconds: float = FINISH_SECONDS,
        init_seconds: float = INIT_SECONDS,
    ) -> None:
        self.folder, self.config, self.id_file = folder, config, id_file
        self.name, self.project, self.mode = name, project, mode
        self.finish_seconds, self.init_seconds = finish_seconds, init_seconds
        self.process: subprocess.Popen[bytes] | None = None
        self._pending: RunOptions | None = None

    def begin(self, state: TrainState) -> None:
        self._pending = self._options()

    def step(self, record: StepRecord, batch: object) -> None:
        if self._pending is None:
            return
        options, self._pending = self._pending, None  # no step: no empty run
        try:
            self.process = self._start(options)
        except OSError as error:
            print(f"W&B: off, because {error}", flush=True)

    def epoch(self, result: Result, state: TrainState, model: nn.Module) -> None:
        if self.process is not None and self.process.poll() is not None:
            self._report_death(self.process)

    def close(self) -> None:
        """Let the process finish; after ``finish_seconds`` end it."""
        process = self.process
        if process is None:
            return
        with suppress(OSError):  # it may have died
            assert process.stdin is not None
            process.stdin.write(b"done\n")
            process.stdin.close()
        try:
            process.wait(self.finish_seconds + 5)
        except subprocess.TimeoutExpired:
            with suppress(OSError):
                os.killpg(process.pid, signal.SIGKILL)  # it leads its own group
            process.wait()
            print(unfinished(self.finish_seconds, self.folder), flush=True)
            self.process = None
            return
        self._report_death(process)

    def _options(self) -> RunOptions:
        metrics, known = self.folder / METRICS, self.id_file.exists()
        if not known:
            write_text(self.id_file, secrets.token_hex(4) + "\n")
        return RunOptions(
            folder=str(self.folder),
            config=str(self.config),
            id=self.id_file.read_text().strip(),
            name=self.name,
            project=self.project,
            mode=self.mode,
            start=metrics.stat().st_size if known else 0,
            finish_seconds=self.finish_seconds,
            init_seconds=self.init_seconds,
        )

    def _start(self, options: RunOptions) -> subprocess.Popen[bytes]:
        search = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        with open(self.folder / WANDB_MESSAGES, "ab") as messages:
            return subprocess.Popen(
                [
                    *(sys.executable, "-m", "asr.train.wandb_run"),
                    json.dumps(asdict(options)),
                ],
                stdin=subprocess.PIPE,  # its end tells that the training has ended
                stderr=messages,
                start_new_session=True,  # Ctrl-C is for the training alone
                env={**os.environ, "PYTHONPATH": os.pathsep.join(search)},
            )

    def _report_death(self, process: subprocess.Popen[bytes]) -> None:
        self.process = None
        if process.returncode not in (0, SAID):
            print(
                f"W&B: its process ended with code {process.returncode}, see "
                f"{self.folder / WANDB_MESSAGES}; the local log is not touched by that",
                flush=True,
            )


def choose_mode(wanted: str, environment: Mapping[str, str]) -> str:
    """Turn ``auto`` into ``online`` where an API key is configured, else ``offline``.

    W&B's own ``WANDB_MODE`` decides before the key does.

    Raises:
        UsageError: another word.
    """
    if wanted not in MODES:
        raise UsageError(f"log.wandb={wanted}: {', '.join(MODES[:-1])} or {MODES[-1]}")
    if wanted != "auto":
        return wanted
    said = {"disabled": "off", "offline": "offline", "dryrun": "offline"}
    mode = said.get(environment.get("WANDB_MODE", ""))
    return mode or ("online" if _has_key(environment) else "offline")


def _has_key(environment: Mapping[str, str]) -> bool:
    """Whether there is a key in a variable, or in the netrc that wandb login writes."""
    if environment.get("WANDB_API_KEY") or environment.get("WANDB_IDENTITY_TOKEN_FILE"):
        return True
    url = environment.get("WANDB_BASE_URL", "https://api.wandb.ai")
    home = Path(environment.get("HOME", "/"))
    path = Path(environment.get("NETRC", home / ".netrc"))
    try:
        return urlsplit(url).hostname in netrc.netrc(str(path)).hosts
    except (OSError, netrc.NetrcParseError):
        return False
