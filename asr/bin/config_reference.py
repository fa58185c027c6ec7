"""``config_reference``: prints docs/configuration.md, made from the code."""

import argparse
from collections.abc import Sequence

from asr.config_doc import reference
from asr.stages import STAGES


def run(arguments: Sequence[str]) -> int:
    """Print the page."""
    argparse.ArgumentParser(
        prog="asr config_reference",
        description="Prints the reference of the configuration, docs/configuration.md.",
    ).parse_args(arguments)
    print(reference(stages_of), end="")
    return 0


def stages_of(key: str) -> str:
    """Numbers of the stages that run again when a key of the configuration changes."""
    return ", ".join(str(stage.number) for stage in STAGES if stage.depends_on(key))
