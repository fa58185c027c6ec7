"""Which configuration and which commit a result comes from."""

import subprocess
from pathlib import Path

import yaml

from asr.atomic import write_text
from asr.config import Config
from asr.config_load import ROOT
from asr.config_tree import plain


def git_commit() -> str:
    """The commit of this checkout, with ``-dirty`` behind it if files differ."""
    command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty", "--abbrev=40"]
    try:
        found = subprocess.run(
            [*command, "--exclude=*"], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"  # a copy without git history is a fine place to run from
    return found.stdout.strip()


def write_config(config: Config, path: Path) -> None:
    """Write the resolved configuration as YAML, the commit on its first line."""
    body = yaml.safe_dump(plain(config), sort_keys=False, allow_unicode=True)
    write_text(path, f"commit: {git_commit()}\n{body}")
