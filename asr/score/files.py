"""The files of a scoring folder, named as in Kaldi.

OUT/wer                  %WER, %SER
OUT/cer                  %CER
OUT/per                  instead of both: %PER, %SER, where a decoder's output is phones
OUT/scoring/per_utt      alignment of each utterance
OUT/scoring/per_spk      counts of each speaker, where they are known
OUT/scoring/ops          how often each word was recognised as what
OUT/scoring/confusions   pairs of words that were taken for each other
OUT/scoring/wer_bootci   95 % interval; of two hypotheses also their difference
OUT/scoring/cer/         the same of characters, if asked for
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from asr.atomic import remove, write_text
from asr.score.bootstrap import compare, interval
from asr.score.calc_metrics import Scores, error_line, sentence_line
from asr.score.details import (
    comparison_lines,
    confusion_lines,
    interval_lines,
    operation_lines,
    per_speaker,
    per_utterance,
    word_pairs,
)
from asr.score.error_rate import Alignment, ErrorRate

WER_STEP, DETAILS_STEP, CER_STEP = STEPS = (0, 1, 2)  # numbers of --stage
DETAILS, CER_DETAILS = "scoring", "scoring/cer"
BOOTSTRAP, SPEAKERS = f"{DETAILS}/wer_bootci", f"{DETAILS}/per_spk"
CER_BOOTSTRAP = f"{CER_DETAILS}/cer_bootci"
OPTIONAL = {DETAILS_STEP: SPEAKERS, CER_STEP: CER_DETAILS}  # by the step they are of


@dataclass(frozen=True)
class Side:
    """What is counted, words or characters: per utterance, of two sets if there are."""

    name: str  # WER, CER or PER
    alignments: Mapping[str, Alignment]
    errors: Mapping[str, ErrorRate]
    others: Mapping[str, ErrorRate] | None


def report_texts(
    scores: Scores,
    *,
    speakers: Mapping[str, str] | None = None,
    other: Scores | None = None,
    characters: bool = False,
    step: int = WER_STEP,
    unit: str = "WER",
) -> dict[str, str]:
    """The files of this module's docstring, by their names below OUT.

    Args:
        speakers: by utterance.
        other: of a second hypothesis of the same utterances, to compare.
        characters: ``scoring/cer/`` too.
        step: the first one done, of WER_STEP, DETAILS_STEP, CER_STEP.
        unit: ``PER`` where the texts are phones.
    """
    texts: dict[str, str] = {}
    if step <= WER_STEP:
        texts[unit.lower()] = rates_text(scores, unit)
    if step <= DETAILS_STEP:
        others = None if other is None else other.words
        words = Side(unit, scores.alignments, scores.words, others)
        texts |= _details(words, DETAILS, speakers)
    if unit == "WER":
        texts["cer"] = error_line("CER", scores.cer) + "\n"
    if characters:
        others = None if other is None else other.characters
        side = Side("CER", scores.character_alignments, scores.characters, others)
        texts |= _details(side, CER_DETAILS, speakers)
    return texts


def write_report(texts: Mapping[str, str], out: Path, step: int = WER_STEP) -> None:
    """Write the files into the folder ``out``; remove what another run left there."""
    for of_step, name in OPTIONAL.items():
        if of_step >= step and not any(text.startswith(name) for text in texts):
            remove(out / name)
    for name, text in texts.items():
        write_text(out / name, text)


def rates_text(scores: Scores, unit: str = "WER") -> str:
    """What Kaldi's ``compute-wer`` prints."""
    words, sentences = error_line(unit, scores.wer), sentence_line(scores)
    size = f"Scored {len(scores.refs)} sentences, 0 not present in hyp."
    return f"{words}\n{sentences}\n{size}\n"


def bootstrap_text(side: Side) -> str:
    """The lines of ``wer_bootci``."""
    errors = list(side.errors.values())
    if side.others is None:
        return interval_lines(side.name, interval(errors))
    return comparison_lines(side.name, compare(errors, list(side.others.values())))


def _details(
    side: Side, folder: str, speakers: Mapping[str, str] | None
) -> dict[str, str]:
    pairs = word_pairs(side.alignments.values())
    blocks = [per_utterance(id_, found) for id_, found in side.alignments.items()]
    texts = {
        "per_utt": "".join(f"{block}\n" for block in blocks),
        "ops": operation_lines(pairs),
        "confusions": confusion_lines(pairs),
        f"{side.name.lower()}_bootci": bootstrap_text(side),
    }
    if speakers is not None:
        texts["per_spk"] = per_speaker(side.errors, speakers)
    return {f"{folder}/{name}": text for name, text in texts.items()}
