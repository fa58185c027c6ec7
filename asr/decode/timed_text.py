"""Words with their times as people use them: subtitles (SRT, WebVTT) and Praat's TextGrid.

Made of ``nbest.jsonl``, so that nothing is decoded for it. All times are whole
milliseconds, in order and without overlap, from the beginning of the recording to its end.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from pathlib import Path

from asr.atomic import atomic_path
from asr.decode.nbest_file import NBest, read_nbest

LINE = 42  # characters of a subtitle's line; there are two
FULL = 200  # characters that would cost as much as a break without a pause
LONGEST = 6000  # ms of a subtitle
SHORTEST = 1000  # ms, where there is time until the next one
AFTER = 300  # ms it stays behind its last word: CTC models end words early
BREAK = 1000  # ms of a pause that no subtitle goes over
PAUSE = 500  # ms of a pause at which a subtitle ends as well as at any longer one


@dataclass(frozen=True)
class Span:
    """Some text, and where it is said: milliseconds, the end not before the start."""

    text: str
    start: int
    end: int


@dataclass(frozen=True)
class Timed:
    """A recording: its words in order, without overlap, and its seconds."""

    words: tuple[Span, ...]
    seconds: float


def write_timed(
    folder: Path,
    formats: Sequence[str],
    seconds: Mapping[str, float],
    names: Mapping[str, str] | None = None,
) -> None:
    """Write a file for each recording that a decoder has decoded.

    Args:
        folder: of the decoder, with ``nbest.jsonl``; gets a folder for each format.
        formats: of ``asr.job.TIMED``.
        seconds: how long each recording is.
        names: of the files; default: the ids, with ``%2F`` for a slash.
    """
    if not formats:
        return
    found = {
        n.id: timed(n, seconds[n.id]) for n in read_nbest(folder / "nbest.jsonl", 1)
    }
    for form in formats:
        suffix, text = FORMS[form]
        with atomic_path(folder / form) as partial:
            partial.mkdir()
            for id_, content in found.items():
                name = names[id_] if names else _file_name(id_)
                path = partial / f"{name}{suffix}"
                path.write_text(text(content), encoding="utf-8")


def _file_name(id_: str) -> str:
    return id_.replace("%", "%25").replace("/", "%2F")


def timed(nbest: NBest, seconds: float) -> Timed:
    """The best hypothesis. Where its words have no times, they share the recording."""
    row = nbest.rows[0]
    words = row.get("words") or []
    if words:
        spans = [(w["word"], 1000 * w["start"], 1000 * w["end"]) for w in words]
    else:
        texts = str(row["text"]).split()
        share = 1000 * seconds / max(1, len(texts))
        spans = [(text, share * i, share * (i + 1)) for i, text in enumerate(texts)]
    return Timed(tuple(in_order(spans, int(1000 * seconds))), seconds)


def in_order(spans: Sequence[tuple[str, float, float]], total: int) -> Iterator[Span]:
    """Words of a millisecond at least, one after the other, up to ``total`` ms.

    Args:
        spans: text, start and end, in milliseconds.
    """
    starts = [max(0, round(start)) for _, start, _ in spans]
    for i in range(1, len(starts)):
        starts[i] = max(starts[i], starts[i - 1] + 1)
    starts.append(max(total, len(spans)))
    for i in reversed(range(len(spans))):
        starts[i] = min(starts[i], starts[i + 1] - 1)
    for (text, _, end), (start, latest) in zip(spans, pairwise(starts), strict=True):
        yield Span(text, start, min(max(round(end), start + 1), latest))


def subtitles(content: Timed) -> list[Span]:
    """The words in subtitles, each of one or two lines.

    Of all ways to break them that keep to the limits the one with the fewest subtitles,
    broken at pauses, of about the same length: each costs 1, up to 1 more if no pause
    follows, and a little for its length. A word longer than a line is cut.
    """
    words = [part for word in content.words for part in _cut(word)]
    letters = list(accumulate((len(word.text) + 1 for word in words), initial=0))
    costs, begins = [0.0], [0]
    for end in range(1, len(words) + 1):
        pause = words[end].start - words[end - 1].end if end < len(words) else PAUSE
        broken = 2 - min(pause, PAUSE) / PAUSE
        ways = (
            (
                costs[begin] + broken + ((letters[end] - letters[begin]) / FULL) ** 2,
                begin,
            )
            for begin in _beginnings(words, end, letters)
        )
        cost, begin = min(ways)
        costs.append(cost)
        begins.append(begin)
    found, end = [], len(words)
    while end > 0:
        found.append(words[begins[end] : end])
        end = begins[end]
    return _shown(found[::-1], int(1000 * content.seconds))


def _beginnings(
    words: Sequence[Span], end: int, letters: Sequence[int]
) -> Iterator[int]:
    """Where a subtitle that ends with word ``end - 1`` may begin, its last word first.

    Args:
        letters: before each word, a space behind every word counted.
    """
    yield end - 1
    for begin in reversed(range(end - 1)):
        long = words[end - 1].end - words[begin].start > LONGEST
        if long or words[begin + 1].start - words[begin].end > BREAK:
            return
        size = letters[end] - letters[begin] - 1
        if size > LINE and (size > 2 * LINE + 1 or len(_lines(words[begin:end])) > 2):
            return
        yield begin


def _cut(word: Span) -> Iterator[Span]:
    """A word, or parts of it as long as a line; their times go by their letters."""
    size = len(word.text)
    edges = [*range(0, size, LINE), size]
    times = [word.start + (word.end - word.start) * edge // size for edge in edges]
    for (first, last), (start, end) in zip(
        pairwise(edges), pairwise(times), strict=True
    ):
        yield Span(word.text[first:last], start, end)


def _lines(words: Sequence[Span]) -> list[str]:
    """Text in lines, each as full as it can be."""
    lines = [words[0].text]
    for word in words[1:]:
        if len(lines[-1]) + 1 + len(word.text) <= LINE:
            lines[-1] += f" {word.text}"
        else:
            lines.append(word.text)
    return lines


def _balanced(words: Sequence[Span]) -> str:
    """The text on one line, or on two of about the same length."""
    if len(_lines(words)) == 1:
        return _lines(words)[0]
    texts = [word.text for word in words]
    ways = [(" ".join(texts[:i]), " ".join(texts[i:])) for i in range(1, len(texts))]
    return "\n".join(min(ways, key=lambda two: max(map(len, two))))


def _shown(groups: Sequence[Sequence[Span]], total: int) -> list[Span]:
    """Subtitles that stay long enough to be read, where there is time for it."""
    found = []
    for place, words in enumerate(groups, start=1):
        latest = groups[place][0].start if place < len(groups) else total
        start, end = words[0].start, words[-1].end
        wanted = min(max(end + AFTER, start + SHORTEST), max(end, start + LONGEST))
        found.append(Span(_balanced(words), start, max(end, min(wanted, latest))))
    return found


def srt(content: Timed) -> str:
    """SubRip: number, times, lines; a blank line between two."""
    return "\n".join(
        f"{number}\n{_clock(cue.start, ',')} --> {_clock(cue.end, ',')}\n{cue.text}\n"
        for number, cue in enumerate(subtitles(content), start=1)
    )


def vtt(content: Timed) -> str:
    """WebVTT (W3C, 2019), with its marks escaped."""
    marks = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
    cues = (
        f"\n{_clock(cue.start, '.')} --> {_clock(cue.end, '.')}\n"
        f"{re.sub('[&<>]', lambda found: marks[found[0]], cue.text)}\n"
        for cue in subtitles(content)
    )
    return "".join(["WEBVTT\n", *cues])


def _clock(milliseconds: int, point: str) -> str:
    seconds, rest = divmod(milliseconds, 1000)
    minutes, seconds = divmod(seconds, 60)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{seconds:02d}{point}{rest:03d}"


def textgrid(content: Timed) -> str:
    """Praat's long text form: a tier of the words, and one of the whole utterance."""
    words = content.words
    end = max(content.seconds, words[-1].end / 1000 if words else 0.001)
    said = " ".join(word.text for word in words)
    whole = [Span(said, words[0].start, words[-1].end)] if words else []
    tiers = [_tier(1, "words", words, end), _tier(2, "utterance", whole, end)]
    head = 'File type = "ooTextFile"\nObject class = "TextGrid"\n'
    size = "tiers? <exists> \nsize = 2 \nitem []: \n"
    return "".join([head, f"\nxmin = 0 \nxmax = {end:.6f} \n{size}", *tiers])


def _tier(number: int, name: str, spans: Sequence[Span], end: float) -> str:
    """Intervals from 0 to ``end`` without a gap: silences are empty ones."""
    texts, edges = [], [0.0]
    for span in spans:
        start = span.start / 1000
        if start > edges[-1]:
            texts.append("")
            edges.append(start)
        texts.append(span.text.replace('"', '""'))
        edges.append(span.end / 1000)
    if not texts or end - edges[-1] >= 0.001:
        texts.append("")
        edges.append(end)
    edges[-1] = end  # which is no whole number of milliseconds
    head = f'    item [{number}]:\n        class = "IntervalTier" \n'
    head += f'        name = "{name}" \n        xmin = 0 \n        xmax = {end:.6f} \n'
    return f"{head}        intervals: size = {len(texts)} \n" + "".join(
        f"        intervals [{i}]:\n            xmin = {begin:.6f} \n"
        f'            xmax = {stop:.6f} \n            text = "{text}" \n'
        for i, ((begin, stop), text) in enumerate(
            zip(pairwise(edges), texts, strict=True), start=1
        )
    )


FORMS: Mapping[str, tuple[str, Callable[[Timed], str]]] = {
    "srt": (".srt", srt),
    "vtt": (".vtt", vtt),
    "textgrid": (".TextGrid", textgrid),
}
