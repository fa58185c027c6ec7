"""Every decoder on the same log-probs, each in a process of its own."""

import json
import math
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from asr.atomic import atomic_path
from asr.decode.child import call_in_child, parent_is_gone, peak_rss_mb
from asr.decode.hypothesis import Hypothesis
from asr.decode.log_probs import read_log_probs
from asr.decode.methods import SearchOptions, load_method
from asr.progress import LineTimer


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


def run_method(
    method: str,
    log_probs: Path,
    out_dir: Path,
    *,
    lang_dir: Path,
    lm: Path | None,
    options: SearchOptions,
) -> Decoded:
    """Decode a set with one method in a child process and write ``out_dir``.

    Args:
        method: one of ``asr.decode.methods.METHODS``.
        log_probs: ``log_probs.h5`` of the set.
        out_dir: gets ``text`` (Kaldi's form), ``nbest.jsonl`` and ``timing.json``;
            the folder appears when all of it is there.
        lang_dir: tokens, words and HLG.
        lm: n-gram, for ``beam-lm``.
        options: bounds and scales of the searches.

    Raises RecipeError if the method cannot run here, log-probs do not fit the
    tokens, or the process is killed.
    """
    decoded: Decoded = call_in_child(
        f"decoder {method}", decode_set, method, log_probs, lang_dir, lm, options
    )
    write_decoded(method, decoded, options, out_dir)
    seconds = decoded.search_seconds
    print(f"{method}: {seconds:.1f} s, RTF {decoded.rtf:.4f}", flush=True)
    return decoded


def decode_set(
    method: str,
    log_probs: Path,
    lang_dir: Path,
    lm: Path | None,
    options: SearchOptions,
) -> Decoded:
    """Decode all utterances of a file, one after the other, in this process."""
    began = time.perf_counter()
    decode = load_method(method, lang_dir, lm)(options)
    load_seconds = time.perf_counter() - began
    nbest: dict[str, list[Hypothesis]] = {}
    audio, search, timer = 0.0, 0.0, LineTimer()
    for utterance in read_log_probs(log_probs):
        if parent_is_gone():
            raise SystemExit(1)
        began = time.perf_counter()
        nbest[utterance.id] = decode(utterance.log_probs)
        search += time.perf_counter() - began
        audio += utterance.duration
        if timer.due():
            print(f"{method}: {len(nbest)} utterances, {audio:.0f} s", flush=True)
    return Decoded(nbest, audio, search, load_seconds, peak_rss_mb())


def write_decoded(
    method: str, decoded: Decoded, options: SearchOptions, out_dir: Path
) -> None:
    """Write the three files of a decoder's folder, atomically as a whole."""
    timing = {
        "method": method,
        "utterances": len(decoded.nbest),
        "failed": sum(hyps[0].failed for hyps in decoded.nbest.values()),
        "audio_seconds": round(decoded.audio_seconds, 3),
        "search_seconds": round(decoded.search_seconds, 3),
        "load_seconds": round(decoded.load_seconds, 3),
        "rtf": round(decoded.rtf, 6),
        "peak_rss_mb": round(decoded.peak_rss_mb, 1),
        "options": asdict(options),
    }
    text = (f"{id_} {hyps[0].text}".rstrip() for id_, hyps in decoded.nbest.items())
    lines = (nbest_line(id_, hyps) for id_, hyps in decoded.nbest.items())
    with atomic_path(out_dir) as partial:
        partial.mkdir()
        for name, content in (
            ("text", text),
            ("nbest.jsonl", lines),
            ("timing.json", [json.dumps(timing, indent=1)]),
        ):
            whole = "".join(line + "\n" for line in content)
            (partial / name).write_text(whole, encoding="utf-8")


def nbest_line(id_: str, hyps: Sequence[Hypothesis]) -> str:
    """One utterance as a JSON object; impossible scores (-inf) are null."""
    rows: list[dict[str, Any]] = [
        {
            "text": hyp.text,
            "score": _json_number(hyp.score),
            "am_score": _json_number(hyp.am_score),
            "lm_score": _json_number(hyp.lm_score),
        }
        for hyp in hyps
    ]
    line: dict[str, Any] = {"id": id_, "nbest": rows}
    if hyps[0].failed:
        line["failed"] = True
    return json.dumps(line, ensure_ascii=False, allow_nan=False)


def _json_number(value: float) -> float | None:
    return round(value, 4) if math.isfinite(value) else None
