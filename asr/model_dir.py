"""Folders with a finished model: what is in them, and which one is used.

``manifest.json`` names every file with its size and SHA-256, the form of the folder and
the versions it was made with. Nothing in such a folder is code, and nothing is unpickled.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from asr.config_load import ROOT
from asr.errors import RecipeError

FORMAT = 1  # of the folder; a reader knows those up to its own
MANIFEST = "manifest.json"
CONFIG = "config.yaml"
BUNDLED = ROOT / "egs" / "mini_librispeech" / "pretrained"


@dataclass(frozen=True)
class Manifest:
    """What a model folder says of itself.

    Attributes:
        format: of the folder.
        name: of the model.
        commit: of the recipe that made it.
        versions: of the recipe and of what it ran with.
        model: name, options, num_features and epochs of the acoustic model.
        lm_order: of the n-gram; 0: there is none.
        decoders: that are run where no others are asked for; none: all that can.
        files: relative path -> [bytes, SHA-256].
    """

    format: int
    name: str
    commit: str
    versions: dict[str, str]
    model: dict[str, Any]
    lm_order: int
    decoders: tuple[str, ...]
    files: dict[str, tuple[int, str]]

    def dumps(self) -> str:
        return json.dumps(asdict(self), indent=1, ensure_ascii=False) + "\n"


def read_manifest(folder: Path) -> Manifest:
    """Read ``manifest.json``.

    ``config.yaml`` is compared with it, as that is read before, and more often than,
    the files that are looked at when the model is first used.

    Raises:
        RecipeError: it is not there, damaged, or of a later form; ``config.yaml`` is
            missing, or another one.
    """
    path = folder / MANIFEST
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["format"] > FORMAT:
            raise RecipeError(
                f"{path}: form {content['format']} is later than this recipe's "
                f"({FORMAT}); update the recipe (git pull)"
            )
        files = {
            n: (int(size), str(sha)) for n, (size, sha) in content["files"].items()
        }
        decoders = tuple(content["decoders"])
        manifest = Manifest(**{**content, "files": files, "decoders": decoders})
    except FileNotFoundError:
        raise RecipeError(f"{folder}: not a model folder (no {MANIFEST})") from None
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise RecipeError(f"{path}: damaged ({error}); fetch it again") from None
    name = str(manifest.name)  # of the folder that results go to
    if name in ("", "..") or PurePosixPath(name).name != name:
        raise RecipeError(f"{path}: names the model {name!r}: refused")
    if CONFIG in files:
        check_file(folder, CONFIG, files[CONFIG])
    return manifest


def check_files(folder: Path, manifest: Manifest) -> None:
    """Compare every file with the manifest.

    Raises:
        RecipeError: one is missing, or another one than the manifest says.
    """
    for name, facts in manifest.files.items():
        check_file(folder, name, facts)


def check_file(folder: Path, name: str, facts: tuple[int, str]) -> None:
    """Compare one file with its size and SHA-256; as :func:`check_files`."""
    place = PurePosixPath(name)
    if place.is_absolute() or ".." in place.parts:
        raise RecipeError(f"{folder}: {MANIFEST} names {name!r}: refused")
    path = folder / place
    if not path.is_file():
        raise RecipeError(f"{path}: missing; fetch or export the model again")
    size, sha256 = facts
    if path.stat().st_size != size or sha256_of(path) != sha256:
        raise RecipeError(
            f"{path}: not the file that {MANIFEST} names (SHA-256 differs); fetch or "
            "export the model again"
        )


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's content."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def choose_model_dir(given: Path | None, exp: Path) -> Path | None:
    """The model folder that recognises a user's recordings; None: ``exp`` has a model.

    Args:
        given: ``--model-dir``.
        exp: where a training would have put its model.

    Raises:
        RecipeError: there is no model at all.
    """
    if given is not None:
        return given
    trained = ("averaged.pt", "checkpoints", ".done/6-train.json")
    if any((exp / name).exists() for name in trained):
        return None
    if (BUNDLED / MANIFEST).is_file():
        return BUNDLED
    raise RecipeError(
        f"{exp}: no trained model here, and none comes with this copy of the recipe; "
        "train one (./run.sh --corpus NAME), or fetch one (utils/fetch_model.sh URL DIR) "
        "and add --model-dir DIR"
    )
