"""``local/score.sh REF HYP [OUT]``: any two transcripts, no experiment needed."""

import argparse
import gc
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import NoReturn

from asr.errors import UsageError
from asr.score.calc_metrics import compare_texts, comparison_note
from asr.score.files import (
    BOOTSTRAP,
    CER_BOOTSTRAP,
    SPEAKERS,
    STEPS,
    report_texts,
    write_report,
)
from asr.score.transcripts import named, read_speakers, read_texts, speakers_beside
from asr.text.normalize import RULES

USAGE = "usage: local/score.sh [OPTIONS] REF HYP [OUT] (see local/score.sh --help)"


class Parser(argparse.ArgumentParser):
    """Report wrong options in one line, like all other errors."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}; {USAGE}")


def run(arguments: Sequence[str]) -> int:
    """Print the error rates, and write the files that ``asr.score.files`` lists.

    Raises:
        UsageError: options that are wrong or miss something.
        RecipeError: a file that cannot be used, or a reference without hypothesis.
    """
    given = build_parser().parse_args(arguments)
    gc.disable()  # the search for cycles takes long on millions of words, and finds none
    try:
        return _score(given)
    finally:
        gc.enable()


def _score(given: argparse.Namespace) -> int:
    refs = read_texts(given.ref)
    scores, unscored = compare_texts(refs, read_texts(given.hyp), given.normalize)
    other = None
    if given.compare is not None:
        other, _ = compare_texts(refs, read_texts(given.compare), given.normalize)
    texts = report_texts(
        scores,
        speakers=find_speakers(given, refs.keys()),
        other=other,
        characters=given.cer or other is not None,
        step=given.stage,
    )
    _show(texts, given)
    print(comparison_note(scores, given.normalize))
    if unscored:
        print(f"{len(unscored)} without reference, not scored: {named(unscored)}")
    out = given.out or default_out(given.hyp)
    write_report(texts, out, given.stage)
    print(f"written: {out}/{{{','.join(sorted(top_names(texts)))}}}", flush=True)
    return 0


def find_speakers(
    given: argparse.Namespace, ids: AbstractSet[str]
) -> dict[str, str] | None:
    """Read ``--utt2spk``, or the file of that name beside the texts.

    Returns:
        None if there is none, or if it does not know all of the utterances and nobody
        has asked for speakers.

    Raises:
        UsageError: there is none and ``--per-speaker`` is given.
    """
    if given.utt2spk is not None:
        return read_speakers(given.utt2spk)
    for path in given.ref, given.hyp:
        beside = speakers_beside(path)
        if beside is not None:
            speakers = read_speakers(beside)
            return speakers if given.per_speaker or speakers.keys() >= ids else None
    if given.per_speaker:
        raise UsageError(
            f"--per-speaker: no utt2spk beside {given.ref} or {given.hyp}; give one "
            "by --utt2spk FILE, 'utt-id speaker' a line"
        )
    return None


def default_out(hyp: Path) -> Path:
    """Choose ``scoring_<name of HYP>`` beside it."""
    path = hyp.resolve()
    return path.with_name(f"scoring_{path.name if path.is_dir() else path.stem}")


def build_parser() -> argparse.ArgumentParser:
    """Define the options, which ``local/score.sh --help`` explains."""
    parser = Parser(prog="local/score.sh", add_help=False, allow_abbrev=False)
    parser.add_argument("ref", type=Path)
    parser.add_argument("hyp", type=Path)
    parser.add_argument("out", type=Path, nargs="?")
    parser.add_argument("--cer", action="store_true")
    parser.add_argument("--per-speaker", action="store_true")
    parser.add_argument("--utt2spk", type=Path)
    parser.add_argument("--compare", type=Path)
    parser.add_argument("--normalize", choices=sorted(RULES), default="none")
    parser.add_argument("--stage", type=int, choices=STEPS, default=0)
    return parser


def top_names(texts: Mapping[str, str]) -> set[str]:
    """List the files and folders directly below OUT."""
    return {f"{name.split('/')[0]}/" if "/" in name else name for name in texts}


def _show(texts: Mapping[str, str], given: argparse.Namespace) -> None:
    """Print the rates, and what else the options ask for."""
    for name in "wer", "cer":
        if name in texts:
            print(texts[name].splitlines()[0])
    if given.per_speaker and SPEAKERS in texts:
        print(texts[SPEAKERS], end="")
    if given.compare is not None:
        print(f"Set1 is {given.hyp}, Set2 is {given.compare}:")
        for name in BOOTSTRAP, CER_BOOTSTRAP:
            print(texts.get(name, ""), end="")
