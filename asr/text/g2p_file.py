"""A grapheme-to-phoneme model as a file of arrays."""

from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from asr.atomic import atomic_path
from asr.errors import RecipeError
from asr.text.g2p import G2p
from asr.text.g2p_ngram import UnitNgram, states_of


def save_g2p(model: G2p, path: Path) -> None:
    """Write ``g2p.npz``; the same model gives the same bytes."""
    ngram = model.ngram
    with atomic_path(path) as partial, open(partial, "wb") as file:
        np.savez_compressed(
            file,
            letters=np.array(model.letters),
            phones=np.array(model.phones),
            graphones=np.array([f"{a} {' '.join(b)}" for a, b in model.graphones]),
            keys=np.diff(ngram.keys, prepend=0),
            suffix=ngram.suffix.astype(np.int32),
            score=ngram.score.astype(np.float32),
            backoff=ngram.backoff.astype(np.float32),
            num_units=np.array(ngram.num_units),
        )


def load_g2p(path: Path) -> G2p:
    """Read what ``save_g2p`` wrote; RecipeError if it is damaged."""
    try:
        with np.load(path) as file:
            arrays = {name: file[name] for name in file.files}
        pairs = [str(row).partition(" ") for row in arrays["graphones"]]
        keys = np.cumsum(arrays["keys"])
        suffix = arrays["suffix"].astype(np.int64)
        num_units = int(arrays["num_units"])
        ngram = UnitNgram(
            num_units,
            keys,
            suffix,
            arrays["score"].astype(np.float64),
            arrays["backoff"].astype(np.float64),
            states_of(keys, suffix, num_units),
        )
        phones = tuple(map(str, arrays["phones"]))
        graphones = tuple((a, tuple(b.split())) for a, _, b in pairs)
        return G2p(str(arrays["letters"]), phones, graphones, ngram)
    except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
        raise RecipeError(f"{path} is damaged ({error}): redo stage 3") from error
