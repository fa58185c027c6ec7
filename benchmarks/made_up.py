"""Log-probs of BPE pieces for benchmarks, made from transcripts: no model said them.

    python -m benchmarks.made_up --text data/an4/lm/train.txt --out DIR \
        dev=data/an4/manifests/dev_cuts.jsonl.gz test=data/an4/manifests/test_cuts.jsonl.gz

Every piece lasts one to three frames with up to two blanks after it, in noise; some
pieces are heard as another one. ``DIR`` gets ``lang`` and ``decode_<set>``, as a
model's folder.
"""

import argparse
from pathlib import Path

import numpy as np

from asr.decode.log_probs import LogProbs, write_log_probs
from asr.text.tokenizer import Tokenizer
from benchmarks.beam import read_refs

PIECES = 150
MISHEARD = 0.05  # share of the pieces
STRENGTH = 7.0  # of the piece in the noise, ln


def rows_of(ids: list[int], size: int, noise: np.random.Generator) -> LogProbs:
    """``(T, size)`` log-probs for the pieces of one transcript."""
    heard: list[int] = []
    for piece in ids:
        said = int(noise.integers(2, size)) if noise.random() < MISHEARD else piece
        heard += [said] * int(noise.integers(1, 4)) + [0] * int(noise.integers(0, 3))
    logits = noise.normal(size=(len(heard), size)) * 1.5
    logits[range(len(heard)), heard] += STRENGTH * noise.uniform(0.5, 1.5, len(heard))
    logits[:, ids] += 1.0  # the model has an idea of what is said at all
    norm = np.logaddexp.reduce(logits, axis=1, keepdims=True)
    return np.asarray(logits - norm, np.float32)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--text", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("sets", nargs="+")
    arguments = parser.parse_args()
    texts = arguments.text.read_text(encoding="utf-8").splitlines()
    tokenizer = Tokenizer.train(texts, arguments.out / "lang", "bpe", PIECES)
    for seed, item in enumerate(arguments.sets):
        name, _, path = item.partition("=")
        noise, refs = np.random.default_rng(seed), read_refs(Path(path))
        folder = arguments.out / f"decode_{name}"
        folder.mkdir(parents=True, exist_ok=True)
        with write_log_probs(folder / "log_probs.h5", {}) as writer:
            for id_, text in refs.items():
                rows = rows_of(tokenizer.encode(text), tokenizer.vocab_size, noise)
                writer.add(id_, rows, 4 * len(rows), 0.04 * len(rows))
        lines = "".join(f"{id_} {text}\n" for id_, text in refs.items())
        (folder / "ref").write_text(lines, encoding="utf-8")


if __name__ == "__main__":
    main()
