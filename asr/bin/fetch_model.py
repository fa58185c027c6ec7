"""``fetch_model``: a finished model from the network, with its checksum."""

import argparse
import re
import tarfile
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Sequence
from pathlib import Path

from asr.atomic import atomic_path, remove
from asr.data.archive import unpack
from asr.data.download import Source, provide
from asr.errors import RecipeError, UsageError
from asr.model_dir import MANIFEST, check_files, read_manifest

TIMEOUT = 60.0


def run(arguments: Sequence[str]) -> int:
    """Fetch, check and unpack an archive of a model folder; say how to use it.

    Raises:
        RecipeError: it cannot be had, has another checksum, or is no model.
    """
    parser = argparse.ArgumentParser(
        prog="utils/fetch_model.sh", description=__doc__, allow_abbrev=False
    )
    parser.add_argument("url", help="of a .tar, .tar.gz, .tgz or .tar.xz")
    parser.add_argument("dir", nargs="?", type=Path, help="default: models/<its name>")
    parser.add_argument("--sha256", help="of the archive; default: from URL.sha256")
    given = parser.parse_args(arguments)
    name = urllib.parse.unquote(urllib.parse.urlsplit(given.url).path.split("/")[-1])
    stem = re.sub(r"\.(tar(\.\w+)?|tgz|txz)$", "", name)
    if not stem or stem == name:
        raise UsageError(f"{given.url}: not the address of a .tar, .tar.gz or .tgz")
    target = given.dir or Path("models") / stem
    sha256 = (given.sha256 or _published(given.url)).lower()
    if not re.fullmatch("[0-9a-f]{64}", sha256):
        raise UsageError(f"--sha256 {sha256}: 64 hexadecimal digits are expected")
    if (target / MANIFEST).is_file():
        check_files(target, read_manifest(target))
        print(f"{target}: already there, and whole")
    else:
        _fetch(given.url, name, sha256, target)
    print(f"use it with: ./run.sh --stage 8 --test-dir MYDATA --model-dir {target}")
    return 0


def _fetch(url: str, name: str, sha256: str, target: Path) -> None:
    if target.exists() and (target.is_file() or any(target.iterdir())):
        raise UsageError(f"{target}: is there, and no model folder; name another one")
    archive = target.parent / name
    provide(target.parent, Source(name, url, name, "sha256", sha256))
    with atomic_path(target) as partial:
        partial.mkdir()
        unpack(archive, partial, _manifest_in(archive))
        folder = next(partial.rglob(MANIFEST)).parent
        check_files(folder, read_manifest(folder))
        if folder != partial:  # the archive holds the folder, not its content
            for path in sorted(folder.iterdir()):
                path.rename(partial / path.name)
            remove(folder)
    for path in (archive, archive.with_name(f".{archive.name}.verified")):
        remove(path)


def _manifest_in(archive: Path) -> str:
    """Where an archive has the manifest: at its top or in its one folder."""
    try:
        with tarfile.open(archive) as tar:
            names = [m.name for m in tar if Path(m.name).name == MANIFEST]
    except (tarfile.TarError, EOFError, OSError) as error:
        raise RecipeError(f"{archive}: not an archive ({error})") from error
    if len(names) != 1 or len(Path(names[0]).parts) > 2:
        raise RecipeError(f"{archive}: not the archive of a model (no {MANIFEST})")
    return names[0]


def _published(url: str) -> str:
    """The checksum that lies beside the archive."""
    address = f"{url}.sha256"
    try:
        with urllib.request.urlopen(address, timeout=TIMEOUT) as response:
            words: list[str] = response.read(1000).decode("ascii", "replace").split()
    except (OSError, urllib.error.URLError, ValueError) as error:
        raise RecipeError(
            f"{address}: no checksum there ({error}); give it with --sha256 HEX"
        ) from error
    return words[0] if words else ""
