"""Every decoder on the same log-probs, each in a process of its own."""

import time
from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path

from asr.atomic import atomic_path
from asr.decode.child import call_in_child, parent_is_gone, peak_rss_mb
from asr.decode.decoded import Decoded, decoded_files
from asr.decode.hypothesis import Hypothesis
from asr.decode.log_probs import read_log_probs, read_recordings
from asr.decode.methods import SearchOptions, load_method
from asr.decode.pieces import join_hypotheses
from asr.decode.vocabulary import Vocabulary
from asr.decode.word_times import add_words
from asr.fsa.lexicon import Lexicon
from asr.fsa.lexicon_file import read_lexicon
from asr.progress import LineTimer
from asr.text.tokenizer import read_tokens
from asr.text.units import separator

Timed = tuple[float, list[Hypothesis]]  # second at which a piece begins, its hypotheses


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
        out_dir: gets ``text`` and ``ctm`` (Kaldi's forms), ``nbest.jsonl`` and
            ``timing.json``; the folder appears when all of it is there.
        lang_dir: tokens, words and HLG.
        lm: n-gram, for ``beam-lm``.
        options: bounds and scales of the searches.

    Raises RecipeError if the method cannot run here, log-probs do not fit the
    tokens, or the process is killed.
    """
    decoded = decode_in_child(method, log_probs, lang_dir, lm, options)
    tokens = read_tokens(lang_dir / "tokens.txt")
    write_decoded(method, decoded, options, out_dir, tokens)
    return decoded


def decode_in_child(
    method: str,
    log_probs: Path,
    lang_dir: Path,
    lm: Path | None,
    options: SearchOptions,
    only: Sequence[str] | None = None,
) -> Decoded:
    """``decode_set`` in a process of its own, whose memory is the decoder's.

    Args:
        only: ids of recordings; None: all.
    """
    decoded: Decoded = call_in_child(
        f"decoder {method}", decode_set, method, log_probs, lang_dir, lm, options, only
    )
    seconds = decoded.search_seconds
    print(f"{method}: {seconds:.1f} s, RTF {decoded.rtf:.4f}", flush=True)
    return decoded


def decode_set(
    method: str,
    log_probs: Path,
    lang_dir: Path,
    lm: Path | None,
    options: SearchOptions,
    only: Sequence[str] | None = None,
) -> Decoded:
    """Decode the recordings of a file, one after the other, in this process."""
    began = time.perf_counter()
    decode = load_method(method, lang_dir, lm)(options)
    wanted = _pieces(log_probs, only)
    for first in islice(read_log_probs(log_probs, list(wanted)), 1):
        decode(first.log_probs[:1])  # what libraries do at their first call
    load = time.perf_counter() - began
    nbest: dict[str, list[Hypothesis]] = {}
    audio, search, timer = 0.0, 0.0, LineTimer()
    for utterance in read_log_probs(log_probs, list(wanted)):
        if parent_is_gone():
            raise SystemExit(1)
        began = time.perf_counter()
        nbest[utterance.id] = decode(utterance.log_probs)
        search += time.perf_counter() - began
        audio += utterance.duration
        if timer.due():
            done = f"{len(nbest)} utterances, {audio:.0f} s of audio"
            print(f"{method}: {done}", flush=True)
    peak = peak_rss_mb()  # of the search; what follows is the same for all decoders
    timed = _timed(nbest, log_probs, lang_dir, options)
    return Decoded(_whole(timed, wanted, options.nbest), audio, search, load, peak)


def _pieces(log_probs: Path, only: Sequence[str] | None) -> dict[str, str]:
    """Recording by name of dataset, in order, of the recordings that are wanted."""
    recordings = read_recordings(log_probs)
    ids = recordings if only is None else sorted(only, key=str.encode)
    return {piece: id_ for id_ in ids for piece in recordings[id_].pieces}


def _timed(
    nbest: dict[str, list[Hypothesis]],
    log_probs: Path,
    lang_dir: Path,
    options: SearchOptions,
) -> dict[str, Timed]:
    """The hypotheses with the times of their words, and where their pieces begin."""
    tokens = read_tokens(lang_dir / "tokens.txt")
    vocabulary = Vocabulary(tokens, separator=separator(lang_dir))
    lexicon = _lexicon(lang_dir, tokens)
    if lexicon is not None:
        lexicon = {**lexicon, **options.hot_spellings}
    shift = options.frame_shift
    return {
        u.id: (
            u.start,
            add_words(nbest[u.id], u.log_probs, vocabulary, shift, lexicon),
        )
        for u in read_log_probs(log_probs, list(nbest))
    }


def _whole(
    timed: Mapping[str, Timed], recordings: Mapping[str, str], nbest: int
) -> dict[str, list[Hypothesis]]:
    """One list for each recording; long ones were decoded in pieces."""
    parts: dict[str, list[Timed]] = {}
    for piece, recording in recordings.items():
        parts.setdefault(recording, []).append(timed[piece])
    return {id_: join_hypotheses(pieces, nbest) for id_, pieces in parts.items()}


def write_decoded(
    method: str,
    decoded: Decoded,
    options: SearchOptions,
    out_dir: Path,
    tokens: Sequence[str],
) -> None:
    """Write the files of a decoder's folder, atomically as a whole."""
    with atomic_path(out_dir) as partial:
        partial.mkdir()
        for name, content in decoded_files(method, decoded, options, tokens).items():
            (partial / name).write_text(content, encoding="utf-8")


def _lexicon(lang_dir: Path, tokens: Sequence[str]) -> Lexicon | None:
    """Spellings, for the times of words from decoders that give no tokens."""
    path = lang_dir / "lexicon.txt"
    return read_lexicon(path, tokens) if path.is_file() else None
