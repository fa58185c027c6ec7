"""Log-probabilities of models that are not ours: checked, and in the recipe's form."""

from collections.abc import Sequence
from pathlib import Path

import h5py
import numpy as np

from asr.decode.log_probs import LogProbs, open_log_probs, read_ids, write_log_probs
from asr.errors import RecipeError
from asr.progress import LineTimer
from asr.text.foreign_tokens import ForeignTokens
from asr.text.tokenizer import BLANK_ID

TOLERANCE = 0.05  # ln, of a row's sum: half precision and bfloat16 round a lot
FRAMES_OF_ONE = 100  # feature frames a second, as the recipe's own files count them


def import_log_probs(
    source: Path,
    target: Path,
    tokens: ForeignTokens,
    frame_shift: float,
    *,
    end_row: bool = False,
) -> None:
    """Write ``source`` in the recipe's form: blank first, with durations.

    Args:
        source: one dataset an utterance id, (T, V) of any float type, natural log.
        target: HDF5 as of ``asr.decode.log_probs``.
        tokens: what the columns are.
        frame_shift: seconds between two rows.
        end_row: add a row that is certain of a space and as certain of a blank. In a
            graph whose words all end in the space the last one needs none then.

    Raises:
        RecipeError: the file is missing, empty or damaged, a shape is wrong, or a row
            is not normalised. Nothing is written then.
    """
    ids = foreign_ids(source)
    timer = LineTimer()
    with open_log_probs(source) as file, write_log_probs(target, {}) as writer:
        for number, id_ in enumerate(ids, 1):
            name = f"{source}: utterance {id_}"
            rows = check_rows(name, _read_rows(name, file[id_]), tokens.width)
            seconds = len(rows) * frame_shift
            rows = rows[:, tokens.columns]
            if end_row and len(rows):
                rows = np.concatenate([rows, _end_row(tokens)])
            frames = round(seconds * FRAMES_OF_ONE)
            writer.add(id_, rows, frames, seconds)
            if timer.due():
                print(f"{source}: {number} of {len(ids)} utterances read", flush=True)


def _read_rows(
    name: str, dataset: h5py.Dataset
) -> "np.ndarray[tuple[int, ...], np.dtype[np.generic]]":
    try:
        return np.asarray(dataset[()])
    except OSError as error:
        raise RecipeError(f"{name} cannot be read: the file is damaged") from error


def foreign_ids(source: Path) -> list[str]:
    """Utterance ids of a file; RecipeError if there is none, or no such file."""
    if not source.is_file():
        raise RecipeError(f"{source}: no such file of log-probs")
    if not h5py.is_hdf5(source):
        raise RecipeError(f"{source}: not an HDF5 file, or damaged")
    ids = read_ids(source)
    if not ids:
        raise RecipeError(f"{source}: no datasets; it needs one for each utterance")
    spaced = [id_ for id_ in ids if id_.split() != [id_]]
    if spaced:
        raise RecipeError(
            f"{source}: utterance id {spaced[0]!r} has a space, with which lines of text "
            "and ctm have no meaning; rename it"
        )
    return ids


def check_rows(
    name: str, rows: "np.ndarray[tuple[int, ...], np.dtype[np.generic]]", width: int
) -> LogProbs:
    """The matrix as float32, if it holds normalised natural logarithms.

    Raises:
        RecipeError: it does not; what it seems to be instead is said.
    """
    if rows.ndim != 2 or rows.shape[1] != width or rows.dtype.kind != "f":
        raise RecipeError(
            f"{name} is {rows.dtype} of shape {rows.shape}, need floats of shape "
            f"(frames, {width}) for the {width} tokens{_hint(rows.shape, width)}"
        )
    values = rows.astype(np.float32)
    if np.isnan(values).any():
        raise RecipeError(f"{name} contains NaN: the model is broken")
    sums = _ln_sums(values)
    wrong = np.flatnonzero(~(np.abs(sums) <= TOLERANCE))
    if len(wrong):
        row = values[wrong[0]]
        raise RecipeError(
            f"{name}, row {wrong[0]}: its probabilities add up to "
            f"{np.exp(min(sums[wrong[0]], 700.0)):.4g}, not 1; {_guess(row)}"
        )
    return values


def _hint(shape: tuple[int, ...], width: int) -> str:
    if len(shape) == 2 and shape[1] == width + 1:
        return (
            f"; if the last column is the blank and has no token, give --blank {width}"
        )
    return ", blank included"


def _ln_sums(values: LogProbs) -> "np.ndarray[tuple[int, ...], np.dtype[np.float64]]":
    with np.errstate(invalid="ignore"):  # of infinite rows
        sums = np.logaddexp.reduce(values.astype(np.float64), axis=-1)
    return np.asarray(sums)


def _guess(row: LogProbs) -> str:
    """What the values of a row may be, if not natural logarithms of probabilities."""
    if (row >= 0).all() and abs(float(row.sum()) - 1) < TOLERANCE:
        return "these are probabilities, take their natural logarithm"
    if abs(float(_ln_sums(row * np.float32(np.log(10))))) < TOLERANCE:
        return "these are logarithms of base 10, multiply them by ln 10 = 2.302585"
    return "natural log-probabilities are needed (log_softmax of the model's output)"


def _end_row(tokens: ForeignTokens) -> LogProbs:
    row = np.full((1, len(tokens.tokens)), -np.inf, dtype=np.float32)
    row[0, [BLANK_ID, *([] if tokens.space is None else [tokens.space])]] = 0.0
    return row


def check_same_ids(
    one: str, ids: Sequence[str], other: str, others: Sequence[str]
) -> None:
    """Raise RecipeError unless both have the same utterances."""
    for name, missing in (
        (other, sorted(set(ids) - set(others))),
        (one, sorted(set(others) - set(ids))),
    ):
        if missing:
            more = f" and {len(missing) - 1} more" if missing[1:] else ""
            raise RecipeError(
                f"{name} has no utterance {missing[0]}{more}: {one} and {other} need "
                "the same ids"
            )
