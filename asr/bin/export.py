"""``export``: the trained model as a folder that needs nothing else.

See docs/own_audio.md for what is in it; ``asr/bin/install_model.py`` reads it.
"""

import dataclasses
import platform
import shutil
from pathlib import Path

import torch

import asr
from asr.atomic import atomic_path, write_text
from asr.bin.export_lang import write_lang
from asr.bin.export_lm import MIB, write_lm
from asr.errors import RecipeError
from asr.job import Job
from asr.model_dir import CONFIG, FORMAT, Manifest, check_files, sha256_of
from asr.models.package import load_package
from asr.models.weights_file import save_weights
from asr.provenance import git_commit, write_config
from asr.score.results import table


def run(job: Job, out: Path, max_mb: float, lm: Path | None) -> None:
    """Write the model folder ``out``; it appears, or is replaced, when it is whole.

    Args:
        max_mb: MiB of the whole folder; the n-gram is pruned until it fits, or left out.
        lm: an ARPA file to take instead of the one that stage 4 made.

    Raises:
        RecipeError: the model is not trained and tuned, or does not fit.
    """
    check_target(out)
    _check_lm(lm)
    with atomic_path(out) as partial:
        partial.mkdir(parents=True)
        model = _write_model(job, partial, lm)
        room = max_mb * MIB - _size(partial)
        order = write_lm(job, partial, room, lm)
        write_text(partial / "licence.txt", _licence(job))
        write_text(partial / "figures.md", figures(job))
        manifest = Manifest(
            format=FORMAT,
            name=f"{job.corpus_dir.name}-{model['name']}",
            commit=git_commit(),
            versions={
                "asr": asr.__version__,
                "python": platform.python_version(),
                "torch": str(torch.__version__),
            },
            model=model,
            lm_order=order,
            decoders=job.decoders,
            files={
                str(p.relative_to(partial)): (p.stat().st_size, sha256_of(p))
                for p in sorted(partial.rglob("*"))
                if p.is_file()
            },
        )
        write_text(partial / "manifest.json", manifest.dumps())
        check_files(partial, manifest)
        size = _size(partial)
        if size > max_mb * MIB:
            raise RecipeError(
                f"{out}: {size / MIB:.1f} MiB without an n-gram, and --max-mb is "
                f"{max_mb:g}: train a smaller model"
            )
    print(f"{out}: {size / MIB:.1f} MiB, n-gram of order {order or 'none'}")


def check_target(out: Path) -> None:
    """Raise RecipeError if ``out`` is something else than an older model folder."""
    is_model = (out / "manifest.json").is_file()
    if out.exists() and not is_model and (out.is_file() or any(out.iterdir())):
        raise RecipeError(f"--out {out}: is there, and no model folder; name another")


def _write_model(job: Job, folder: Path, lm: Path | None) -> dict[str, object]:
    """Weights, tokens, configuration and scales; return what builds the model."""
    package = load_package(job.paths.averaged)
    save_weights(package.model.state_dict(), folder / "weights.npz")
    write_config(job.config, folder / CONFIG)
    shutil.copyfile(job.paths.decode_yaml, folder / "decode.yaml")
    write_lang(job, folder / "lang", lm)
    options = dataclasses.asdict(job.config.model)
    return {
        "name": options.pop("name"),
        "options": options,
        "num_features": package.num_features,
        "epochs": list(package.epochs),
    }


def _check_lm(lm: Path | None) -> None:
    """RecipeError if ``--lm`` names no file."""
    if lm is not None and not lm.is_file():
        raise RecipeError(f"--lm {lm}: no such file")


def _licence(job: Job) -> str:
    """The corpus's note, and the recipe's own licence."""
    path = job.corpus_dir / "licence.txt"
    if path.is_file():
        return path.read_text(encoding="utf-8")
    return (
        f"A model trained on the corpus {job.corpus_dir.name}, whose licence decides what "
        f"may be done with it. (Write egs/{job.corpus_dir.name}/licence.txt.)\n"
    )


def figures(job: Job) -> str:
    """The results of stage 9 on the corpus's test sets, with their commit."""
    parts = [f"# {job.corpus_dir.name}, {job.config.model.name}\n"]
    for name in job.config.corpus.test_sets:
        folder = job.paths.decode_dir(name)
        if not (folder / "results.tsv").is_file():
            parts.append(f"{name}: not scored yet (stages 8 and 9).\n")
            continue
        with open(folder / CONFIG, encoding="utf-8") as lines:
            commit = next(lines).strip()
        parts.append(
            f"Set `{name}`, {commit}, weights in single precision and the n-gram before "
            f"pruning:\n\n```\n{table(folder / 'results.tsv')}\n```\n"
        )
    return "\n".join(parts)


def _size(folder: Path) -> int:
    return sum(p.stat().st_size for p in folder.rglob("*") if p.is_file())
