"""Stands in for the package wandb in the process that logs, and misbehaves."""

import json
import os
import signal
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

HOW = os.environ["FAKE_WANDB"]  # which call goes wrong, and how
CALLS = Path(os.environ["FAKE_WANDB_CALLS"])
Settings = dict
Table = Image = Audio = lambda *arguments, **options: "media"


def called(name: str, **values: Any) -> None:
    with open(CALLS, "a") as file:
        file.write(json.dumps({"call": name, **values}) + "\n")
    if f"{name}-raises" == HOW:
        raise ConnectionError("no route\nto the server")
    if f"{name}-hangs" == HOW:
        time.sleep(600)
    if f"{name}-dies" == HOW:
        os.kill(os.getpid(), signal.SIGKILL)
    if f"{name}-asks" == HOW:
        assert not sys.stdin.isatty()
        input("API key? ")


class Run:
    dir, url = "/there/files", "https://there"

    def __init__(self, mode: str) -> None:
        self.settings = SimpleNamespace(mode=mode)

    def log(self, row: dict[str, Any], step: int) -> None:
        called("log", step=step, keys=sorted(row))

    def finish(self, exit_code: int) -> None:
        called("finish", exit_code=exit_code)


def init(mode: str, **options: Any) -> Run:
    called("init", mode=mode, **{key: options[key] for key in ("id", "resume")})
    if HOW == "unreachable" and mode == "online":
        raise ConnectionError("no route to the server")
    return Run(mode)


def teardown() -> None:
    called("teardown")


called("import")
