"""What a decoder makes of a set, and the files that tell it."""

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from asr.decode.hypothesis import Hypothesis
from asr.decode.methods import SearchOptions


@dataclass(frozen=True)
class Decoded:
    """What one decoder made of one set.

    Attributes:
        nbest: hypotheses of each utterance id, best first, in byte order of the ids.
        audio_seconds: length of all utterances.
        search_seconds: wall time of the searches; reading and loading not counted.
        load_seconds: what loading the n-gram or the graph took.
        peak_rss_mb: most memory that the decoder's process has had, MiB.
    """

    nbest: dict[str, list[Hypothesis]]
    audio_seconds: float
    search_seconds: float
    load_seconds: float
    peak_rss_mb: float

    @property
    def rtf(self) -> float:
        """Seconds of search for a second of audio (one process, one thread)."""
        return self.search_seconds / self.audio_seconds if self.audio_seconds else 0.0


def decoded_files(
    method: str, decoded: Decoded, options: SearchOptions, tokens: Sequence[str]
) -> dict[str, str]:
    """Contents of ``text``, ``ctm``, ``nbest.jsonl`` and ``timing.json``.

    ``tokens`` are the names of the token ids in ``nbest.jsonl``.
    """
    timing = {
        "method": method,
        "utterances": len(decoded.nbest),
        "failed": sum(hyps[0].failed for hyps in decoded.nbest.values()),
        "second_try": sum(hyps[0].second_try for hyps in decoded.nbest.values()),
        "audio_seconds": round(decoded.audio_seconds, 3),
        "search_seconds": round(decoded.search_seconds, 3),
        "load_seconds": round(decoded.load_seconds, 3),
        "rtf": round(decoded.rtf, 6),
        "peak_rss_mb": round(decoded.peak_rss_mb, 1),
        "options": asdict(options),
    }
    rows = decoded.nbest.items()
    text = (f"{id_} {hyps[0].text}".rstrip() for id_, hyps in rows)
    times = (line for id_, hyps in rows for line in ctm_lines(id_, hyps[0]))
    nbest = (nbest_line(id_, hyps, tokens) for id_, hyps in rows)
    return {
        name: "".join(line + "\n" for line in lines)
        for name, lines in (
            ("text", text),
            ("ctm", times),
            ("nbest.jsonl", nbest),
            ("timing.json", [json.dumps(timing, indent=1)]),
        )
    }


def ctm_lines(id_: str, hyp: Hypothesis) -> Iterator[str]:
    """NIST's time-marked words: ``utterance 1 start duration word confidence``."""
    for word in hyp.words:
        length = word.end - word.start
        yield f"{id_} 1 {word.start:.3f} {length:.3f} {word.text} {word.confidence:.3f}"


def nbest_line(id_: str, hyps: Sequence[Hypothesis], tokens: Sequence[str]) -> str:
    """One utterance as a JSON object; impossible scores (-inf) are null."""
    rows: list[dict[str, Any]] = [
        {
            "text": hyp.text,
            "score": _json_number(hyp.score),
            "am_score": _json_number(hyp.am_score),
            "lm_score": _json_number(hyp.lm_score),
            **(
                {"larger_score": _json_number(hyp.larger_score)}
                if hyp.larger_score
                else {}
            ),
            "tokens": [tokens[i] for i in hyp.tokens],
            "words": [
                {
                    "word": word.text,
                    "start": round(word.start, 3),
                    "end": round(word.end, 3),
                    "confidence": round(word.confidence, 4),
                }
                for word in hyp.words
            ],
        }
        for hyp in hyps
    ]
    line: dict[str, Any] = {"id": id_, "nbest": rows}
    if hyps[0].failed:
        line["failed"] = True
    if hyps[0].second_try:
        line["second_try"] = True
    return json.dumps(line, ensure_ascii=False, allow_nan=False)


def _json_number(value: float) -> float | None:
    return round(value, 4) if math.isfinite(value) else None
