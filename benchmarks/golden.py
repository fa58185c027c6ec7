"""Prove that a rebuilding of the code changed none of its results.

    python -m benchmarks.golden run OUT          # in the checkout before, and after
    python -m benchmarks.golden compare A B      # differences of two OUT; exit code 1

``run`` takes this checkout's commands through small versions of all that the recipe does:
training from nothing over characters and BPE pieces, training from the bundled model over
phones with LF-MMI, every decoder, a folder of audio, other people's log-probs, scoring,
export. It writes OUT/golden.json with a digest of the content of every file that they
leave, times and paths aside; one thread, so that the order of sums stays. ``compare``
names each file that differs, came or went.
"""

import argparse
import gzip
import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch

ROOT = Path(__file__).resolve().parents[1]
BUNDLE = ROOT / "egs/mini_librispeech/pretrained"
COMMON = (
    "corpus.options.train_utterances=120 corpus.options.dev_utterances=10 "
    "corpus.options.test_utterances=10 log.wandb=off train.precision=float32 "
    "train.checkpoint_minutes=0 train.num_workers=0 tune.steps=4 decode.num_paths=20 "
)
TINY = (
    "model.dim=48 model.num_layers=2 model.ff_dim=96 model.conv_channels=8 "
    "train.max_epochs=2 train.accumulate=2 train.ema_decay=0.9 train.augment.vtlp.enabled=true "
)
COPIES = (
    "tokenizer.kind=bpe tokenizer.vocab_size=60 fbank.speeds=[0.9,1.0] "
    "fbank.augment.reverb.enabled=true fbank.augment.gain.enabled=true "
    "fbank.augment.band_limit.enabled=true train.max_epochs=1 model.rnn_dim=32 model.num_layers=1 "
)
PHONES = (
    "tokenizer.kind=phone train.loss=mmi train.mmi.ctc_epochs=0 train.max_epochs=1 "
    "train.optimizer=muon train.learning_rate=1e-3 train.realign_epochs=[0] model.dim=640 "
    "model.bottleneck=128 model.strides=[1,1,1,2,2,2,3,3,3,3,3] tune.average=1 "
)
# Files whose content is a matter of time, or a picture of other files' content.
LEFT_OUT = (".done", "log", "checkpoints/last.pt", "checkpoints/previous.pt")
LEFT_OUT_SUFFIXES = (".png", ".lock", ".html", ".wav", ".log")
VOLATILE = re.compile(r"^(rtf|seconds|peak_rss_mb|rss|date|.*_seconds|cpu.*|time.*)$")


def run(out: Path) -> None:
    """Run every case and write ``out/golden.json``."""
    out.mkdir(parents=True)
    for name, commands in cases(out).items():
        for number, command in enumerate(commands):
            print(f"# {name}: {' '.join(command)[:150]}", flush=True)
            log = out / f"{name}-{number}.log"
            environment = {**os.environ, "OMP_NUM_THREADS": "1"}
            with open(log, "w") as file:
                status = subprocess.call(
                    command, cwd=ROOT, env=environment, stdout=file, stderr=file
                )
            if status:
                sys.exit(f"{name}: exit code {status}, see {log}")
    digests = dict(sorted(digest_folder(out)))
    (out / "golden.json").write_text(json.dumps(digests, indent=1))
    print(f"{len(digests)} digests in {out / 'golden.json'}")


def cases(out: Path) -> dict[str, list[list[str]]]:
    """Name the commands of every case."""

    def recipe(case: str, settings: str, *options: str) -> list[str]:
        folders = ["--download-dir", f"{out}/download", "--nj", "1"]
        folders += [
            "--data-dir",
            f"{out}/{case}/data",
            "--exp-dir",
            f"{out}/{case}/exp",
        ]
        return ["./run.sh", *folders, "--set", COMMON + settings, *options]

    weights = str(BUNDLE / "weights.npz")
    phones = ("--model", "tdnnf", "--init-from", weights)
    log_probs = f"{out}/phones/exp/decode_test"
    return {
        "characters": [recipe("characters", TINY, "--stop-stage", "6")],
        "pieces": [
            recipe("pieces", COPIES, "--stop-stage", "6", "--model", "deepspeech2"),
        ],
        "phones": [
            recipe("phones", PHONES, *phones),
            recipe("phones", PHONES, *phones, "--export", f"{out}/phones/model"),
        ],
        "folder": [
            ["utils/sample_audio.sh", f"{out}/mydata"],
            [
                "./run.sh",
                "--stage",
                "8",
                "--test-dir",
                f"{out}/mydata",
                "--nj",
                "1",
                "--exp-dir",
                f"{out}/folder/exp",
            ],
        ],
        "scoring": [
            [
                "local/score.sh",
                "--cer",
                "--normalize",
                "upper",
                f"{out}/mydata/transcriptions",
                f"{log_probs}/../../../folder/exp/decode_mydata/hlg/predictions",
                f"{out}/scoring/out",
            ],
        ],
    }


def digest_folder(out: Path) -> Iterator[tuple[str, str]]:
    """Yield the name and the content's digest of every file that a rebuilding must keep."""
    for path in sorted(out.rglob("*")):
        name = path.relative_to(out).as_posix()
        parts = f"/{name}/"
        if path.is_dir() or path.suffix in LEFT_OUT_SUFFIXES:
            continue
        if any(f"/{part}/" in parts for part in LEFT_OUT) or name == "golden.json":
            continue
        yield name, hashlib.sha256(content(path, out)).hexdigest()[:16]


def content(path: Path, out: Path) -> bytes:
    """Return what a file says, without times and places."""
    if path.suffix == ".h5":
        return _hdf5(path)
    if path.suffix == ".npz":
        with np.load(path) as arrays:
            return b"".join(_array(name, arrays[name]) for name in sorted(arrays))
    if path.suffix == ".pt":
        loaded = torch.load(path, map_location="cpu")
        return b"".join(_tree("", loaded))
    data = path.read_bytes()
    if path.suffix == ".gz":
        data = gzip.decompress(data)
    if b"\0" in data:
        return data
    text = data.decode(errors="replace").replace(str(out), "@").replace(str(ROOT), "%")
    return _without_times(text).encode()


def _hdf5(path: Path) -> bytes:
    parts: list[bytes] = []

    def visit(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset):
            parts.append(_array(name, np.asarray(item[()])))

    with h5py.File(path) as file:
        file.visititems(visit)
    return b"".join(parts)


def _array(name: str, array: np.ndarray[Any, Any]) -> bytes:
    return f"{name} {array.shape} {array.dtype} ".encode() + array.tobytes()


def _tree(name: str, value: Any) -> Iterator[bytes]:
    """Yield tensors and numbers of a checkpoint, by name; times aside."""
    if isinstance(value, dict):
        for key in sorted(value, key=str):
            if not VOLATILE.match(str(key)):
                yield from _tree(f"{name}.{key}", value[key])
    elif isinstance(value, (list, tuple)):
        for number, item in enumerate(value):
            yield from _tree(f"{name}.{number}", item)
    elif isinstance(value, torch.Tensor):
        yield _array(name, value.float().numpy())
    elif isinstance(value, (int, float, bool)):
        yield f"{name}={value!r} ".encode()


def _without_times(text: str) -> str:
    """Drop the columns of tables and the keys of JSON and YAML that name times."""
    lines = text.splitlines()
    header = lines[0].split("\t") if lines else []
    dropped = [n for n, name in enumerate(header) if VOLATILE.match(name.lower())]
    kept = []
    for line in lines:
        fields = line.split("\t")
        for number in reversed(dropped):
            if number < len(fields):
                del fields[number]
        line = "\t".join(fields)
        if not re.match(
            r'^\s*"?(commit|date|seconds|.*_seconds|.*rss.*|.*sha256)"?:', line
        ):
            kept.append(line)
    return "\n".join(kept)


def compare(first: Path, second: Path) -> int:
    """Print every file that differs, came or went; return how many."""
    tables = [
        json.loads((folder / "golden.json").read_text()) for folder in (first, second)
    ]
    names = sorted(set(tables[0]) | set(tables[1]))
    different = [name for name in names if tables[0].get(name) != tables[1].get(name)]
    for name in different:
        there = [name in table for table in tables]
        print(
            ("differs" if all(there) else "gone" if there[0] else "new") + f"\t{name}"
        )
    print(f"{len(names) - len(different)} of {len(names)} files are the same")
    return len(different)


def main() -> None:
    """Run or compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("run").add_argument("out", type=Path)
    comparing = verbs.add_parser("compare")
    comparing.add_argument("first", type=Path)
    comparing.add_argument("second", type=Path)
    options = parser.parse_args()
    if options.verb == "run":
        run(options.out.resolve())
    else:
        sys.exit(1 if compare(options.first, options.second) else 0)


if __name__ == "__main__":
    main()
