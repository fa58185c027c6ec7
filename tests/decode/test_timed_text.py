"""Subtitles and TextGrids, read by parsers that forgive nothing."""

import json
import random
import re
from pathlib import Path
from typing import Any

import pytest

from asr.decode.nbest_file import NBest
from asr.decode.timed_text import FORMS, Timed, srt, textgrid, timed, vtt, write_timed
from asr.job import TIMED

Cue = tuple[float, float, str]
CLOCK = r"(\d\d):([0-5]\d):([0-5]\d)[.,](\d{3})"


def heard(seconds: float, *words: tuple[str, float, float]) -> Timed:
    rows = [{"word": w, "start": start, "end": end} for w, start, end in words]
    text = " ".join(word for word, _, _ in words)
    return timed(NBest("x", ({"text": text, "words": rows},)), seconds)


def parse_cues(text: str, point: str) -> list[Cue]:
    """Blocks between single blank lines, the times first."""
    cues = []
    for block in text.removesuffix("\n").split("\n\n") if text else []:
        times, *lines = block.split("\n")
        found = re.fullmatch(f"{CLOCK} --> {CLOCK}", times)
        assert found and times.count(point) == 2 and lines and all(lines), block
        h1, m1, s1, ms1, h2, m2, s2, ms2 = map(int, found.groups())
        start, end = ((h1 * 60 + m1) * 60 + s1) + ms1 / 1000, (h2 * 60 + m2) * 60 + s2
        cues.append((start, end + ms2 / 1000, "\n".join(lines)))
    return cues


def parse_srt(text: str) -> list[Cue]:
    blocks = text.split("\n\n") if text else []
    for number, block in enumerate(blocks, start=1):
        assert block.startswith(f"{number}\n")
    return parse_cues("\n\n".join(b.split("\n", 1)[1] for b in blocks), ",")


def parse_vtt(text: str) -> list[Cue]:
    head, _, rest = text.partition("\n")
    assert head == "WEBVTT" and rest[:1] in ("", "\n")
    cues = parse_cues(rest[1:], ".")
    assert not any(re.search(r"[<>]|&(?!(amp|lt|gt);)", cue) for _, _, cue in cues)
    for mark, escaped in (("<", "&lt;"), (">", "&gt;"), ("&", "&amp;")):
        cues = [(a, b, cue.replace(escaped, mark)) for a, b, cue in cues]
    return cues


def parse_textgrid(text: str) -> tuple[float, dict[str, list[Cue]]]:
    """Praat's long form, line by line; intervals have to lie side by side."""
    lines = iter([line.strip() for line in text.splitlines()])

    def value(name: str) -> str:
        before, mark, after = next(lines).partition(" = ")
        assert (before, mark) == (name, " = ")
        return after

    def quoted(name: str) -> str:
        found = re.fullmatch(r'"((?:[^"]|"")*)"', value(name))
        assert found
        return found[1].replace('""', '"')

    assert quoted("File type") == "ooTextFile" and quoted("Object class") == "TextGrid"
    assert (next(lines), value("xmin")) == ("", "0")
    end, tiers = float(value("xmax")), {}
    assert next(lines) == "tiers? <exists>"
    number = int(value("size"))
    assert next(lines) == "item []:"
    for i in range(number):
        assert next(lines) == f"item [{i + 1}]:" and quoted("class") == "IntervalTier"
        name = quoted("name")
        assert (float(value("xmin")), float(value("xmax"))) == (0, end)
        tier: list[Cue] = []
        for k in range(int(value("intervals: size"))):
            assert next(lines) == f"intervals [{k + 1}]:"
            tier.append((float(value("xmin")), float(value("xmax")), quoted("text")))
        assert [a for a, _, _ in tier] == [0, *(b for _, b, _ in tier[:-1])]
        assert all(a < b for a, b, _ in tier) and tier[-1][1] == end
        tiers[name] = tier
    assert not list(lines)
    return end, tiers


def random_speech(rng: random.Random) -> tuple[float, list[tuple[str, float, float]]]:
    """Pauses of all kinds, none too; words that are long in letters or in time."""
    words, at = [], 0.0
    slow, long = rng.random() < 0.2, rng.random() < 0.2
    for _ in range(rng.choice([0, 1, 5, 120])):
        at += rng.choice([0, 0.02, 0.1, 0.4, 0.8, 2.5]) * rng.random()
        length = rng.uniform(0.03, 9 if slow else 0.8)
        letters = rng.choice([1, 2, 4, 6, 9, *([60, 130] if long else [])])
        word = "".join(rng.choice("ABCDE'É\"<>&") for _ in range(letters))
        words.append((word, round(at, 3), round(at + length, 3)))
        at += length
    return max(0.003, at + rng.uniform(-0.02, 1)), words


@pytest.mark.parametrize("seed", range(60))
def test_all_words_at_their_times_within_the_limits(seed: int) -> None:
    seconds, words = random_speech(random.Random(seed))
    content = heard(seconds, *words)
    said = [word for word, _, _ in words]
    cues = parse_srt(srt(content))
    assert parse_vtt(vtt(content)) == cues
    assert "".join("".join(cue.split()) for _, _, cue in cues) == "".join(said)
    for start, end, cue in cues:
        lines = cue.split("\n")
        assert len(lines) <= 2 and max(map(len, lines)) <= 42
        alone = len(cue.split()) == 1
        assert start < end <= seconds + 0.001 and (alone or end - start <= 6.001)
    assert all(a[1] <= b[0] for a, b in zip(cues, cues[1:], strict=False))
    end, tiers = parse_textgrid(textgrid(content))
    assert end == pytest.approx(max(seconds, 0.001 * len(words)), abs=1e-6)
    spoken = [interval for interval in tiers["words"] if interval[2]]
    assert [text for _, _, text in spoken] == said
    for (start, stop, _), (_, wanted, latest) in zip(spoken, words, strict=True):
        assert (start, stop) == pytest.approx((wanted, latest), abs=0.021)
    whole = [text for _, _, text in tiers["utterance"] if text]
    assert whole == [" ".join(said)] * bool(said)


def test_subtitles_break_at_pauses_and_lines_are_balanced() -> None:
    words = [(f"WORD{i:02d}", 0.4 * i, 0.4 * i + 0.3) for i in range(20)]
    moved = [(w, a + 0.35 * (a > 3), b + 0.35 * (a > 3)) for w, a, b in words]
    cues = parse_srt(srt(heard(20, *moved)))
    assert [cue.split()[0] for _, _, cue in cues] == ["WORD00", "WORD08"]  # the pause
    assert cues[0][2] == "WORD00 WORD01 WORD02 WORD03\nWORD04 WORD05 WORD06 WORD07"
    assert cues[0][:2] == (0, 3.4)  # a little behind its last word
    long = [(w, a + 2 * (a > 1), b + 2 * (a > 1)) for w, a, b in words[:5]]
    assert len(parse_srt(srt(heard(20, *long)))) == 2  # nothing stays over a long pause


def test_a_textgrid_by_hand() -> None:
    lines = textgrid(heard(1.25, ('O"K', 0.5, 0.75))).splitlines()
    assert [line.strip() for line in lines[10:27]] == [
        'name = "words"',
        "xmin = 0",
        "xmax = 1.250000",
        "intervals: size = 3",
        *("intervals [1]:", "xmin = 0.000000", "xmax = 0.500000", 'text = ""'),
        *("intervals [2]:", "xmin = 0.500000", "xmax = 0.750000", 'text = "O""K"'),
        *("intervals [3]:", "xmin = 0.750000", "xmax = 1.250000", 'text = ""'),
        "item [2]:",
    ]


def test_words_without_times_share_the_recording() -> None:
    content = timed(NBest("x", ({"text": "A B", "words": []},)), 2.0)
    assert [(s.text, s.start, s.end) for s in content.words] == [
        ("A", 0, 1000),
        ("B", 1000, 2000),
    ]
    nothing = timed(NBest("x", ({"text": ""},), failed=True), 0.0)
    assert (srt(nothing), vtt(nothing)) == ("", "WEBVTT\n")
    assert parse_textgrid(textgrid(nothing))[0] == 0.001


def test_a_file_for_every_recording_in_a_folder_for_every_format(
    tmp_path: Path,
) -> None:
    assert tuple(FORMS) == TIMED
    ids = {"a b": "a b", "c/d%": "c%2Fd%25"}
    rows: list[dict[str, Any]] = [{"text": "A", "score": 0, "am_score": 0, "words": []}]
    lines = [json.dumps({"id": id_, "nbest": rows}) + "\n" for id_ in ids]
    (tmp_path / "nbest.jsonl").write_text("".join(lines))
    (tmp_path / "srt").mkdir()
    (tmp_path / "srt" / "gone.srt").touch()
    write_timed(tmp_path, TIMED, dict.fromkeys(ids, 1.0))
    for form, ending in (("srt", "srt"), ("vtt", "vtt"), ("textgrid", "TextGrid")):
        names = {path.name for path in (tmp_path / form).iterdir()}
        assert names == {f"{name}.{ending}" for name in ids.values()}
    write_timed(tmp_path, ["srt"], dict.fromkeys(ids, 1.0), {"a b": "x", "c/d%": "y"})
    assert {p.name for p in (tmp_path / "srt").iterdir()} == {"x.srt", "y.srt"}
