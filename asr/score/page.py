"""``report.html``: everything about one experiment on one page, without a network."""

import base64
from collections.abc import Mapping, Sequence
from html import escape

from asr.score.details import word_pairs
from asr.score.experiment import Decoder, TestSet
from asr.score.page_parts import (
    alignment,
    bar,
    confusions,
    difference,
    percent,
    table,
)
from asr.score.page_style import SCRIPT, STYLE

POLICY = "default-src 'none'; img-src data:; media-src data:; "
POLICY += "style-src 'unsafe-inline'; script-src 'unsafe-inline'"


def report_page(
    title: str,
    config: str,
    curves: bytes | None,
    sets: Sequence[TestSet],
    clips: Mapping[tuple[str, str], bytes],
) -> str:
    """The page.

    Args:
        title: the experiment.
        config: its resolved configuration, the commit in the first line.
        curves: PNG of the training.
        clips: FLAC audio by (set, utterance).
    """
    commit = config.partition("\n")[0]
    picture = "<p>no log of a training here</p>"
    if curves is not None:
        picture = f'<img alt="training curves" src="{_data("image/png", curves)}">'
    parts = [
        f'<h1>{escape(title)}</h1>\n<p class="dim">{escape(commit)}</p>',
        "<h2>Decoders and sets</h2>",
        _overview(sets),
        *(_set(found, clips) for found in sets),
        f'<h2 id="training">Training</h2>\n{picture}',
        "<h2>Configuration</h2>\n<details><summary>all of it</summary>"
        f"<pre>{escape(config)}</pre></details>",
    ]
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<meta name="viewport" content="width=device-width">
<title>{escape(title)}</title>
<style>{STYLE}</style></head><body>
{chr(10).join(parts)}
<script>{SCRIPT}</script>
</body></html>
"""


def _overview(sets: Sequence[TestSet]) -> str:
    """Error rate of every decoder on every set."""
    names = list(dict.fromkeys(d.name for found in sets for d in found.decoders))
    known = {(s.name, d.name): d for s in sets for d in s.decoders}
    rows = []
    for name in names:
        cells = (known.get((found.name, name)) for found in sets)
        rows.append(
            [escape(name), *("–" if d is None else percent(d.wer) for d in cells)]
        )
    head = (f"{found.name}, %{found.unit}" for found in sets)
    return table(["decoder", *head], rows)


def _set(found: TestSet, clips: Mapping[tuple[str, str], bytes]) -> str:
    """Results, worst utterances and confusions; buttons choose the decoder."""
    most = max(decoder.wer.high for decoder in found.decoders)
    rows = [_row(decoder, found, most) for decoder in found.decoders]
    best = list(found.decoders).index(found.best)
    buttons = "".join(
        f'<button data-decoder="{escape(d.name)}" '
        f'aria-pressed="{"true" if d is found.best else "false"}">{escape(d.name)}'
        "</button>"
        for d in found.decoders
    )
    size = len(found.best.scores.refs)
    return f"""<section id="set-{escape(found.name)}">
<h2>{escape(found.name)}</h2>
<p class="dim">{size} utterances, {found.best.scores.wer.length} {_units(found)}</p>
{table(_head(found), rows, best)}
<h3>What went wrong</h3>
<div class="choice">{buttons}</div>
<p class="dim">The utterances in which {escape(found.best.name)} made most errors, the
reference above what was recognised:
<span class="S">taken for another</span>, <span class="I">made up</span>,
<span class="D">left out</span>.</p>
{chr(10).join(_utterance(found, id_, clips) for id_ in found.worst)}
<h3>Confusions</h3>
{_panels(found, [confusions(_pairs(d)) for d in found.decoders])}
</section>"""


def _units(found: TestSet) -> str:
    return "phones" if found.unit == "PER" else "words"


def _head(found: TestSet) -> list[str]:
    """Of the table; characters are counted of words alone."""
    characters = ["%CER, 95 %"] if found.unit == "WER" else []
    rates = [f"%{found.unit}, 95 %", "", "to the best", *characters, "%SER"]
    return ["decoder", *rates, "ins", "del", "sub", _units(found), "RTF", "MiB"]


def _row(decoder: Decoder, found: TestSet, most: float) -> list[str]:
    scores = decoder.scores
    errors = scores.wer
    characters = [percent(decoder.cer)] if found.unit == "WER" else []
    return [
        escape(decoder.name),
        percent(decoder.wer),
        bar(decoder.wer, most),
        difference(decoder.against(found.best)),
        *characters,
        f"{100 * scores.wrong / max(1, len(scores.refs)):.1f}",
        *(str(n) for n in (errors.ins, errors.dels, errors.subs, errors.length)),
        f"{decoder.rtf:.4f}",
        f"{decoder.peak_rss_mb:.0f}",
    ]


def _utterance(found: TestSet, id_: str, clips: Mapping[tuple[str, str], bytes]) -> str:
    clip = clips.get((found.name, id_))
    audio = '<span class="dim">no audio here</span>'
    if clip is not None:
        source = _data("audio/flac", clip)
        audio = f'<audio controls preload="metadata" src="{source}"></audio>'
    shown = [alignment(d.scores.alignments[id_]) for d in found.decoders]
    return (
        f'<div class="utterance"><strong>{escape(id_)}</strong> {audio}'
        f"{_panels(found, shown)}</div>"
    )


def _panels(found: TestSet, contents: Sequence[str]) -> str:
    """One for each decoder, of which the best one's is shown first."""
    return "".join(
        f'<div data-panel="{escape(d.name)}"{"" if d is found.best else " hidden"}>'
        f"{content}</div>"
        for d, content in zip(found.decoders, contents, strict=True)
    )


def _pairs(decoder: Decoder) -> list[tuple[str, int, str, str]]:
    return word_pairs(decoder.scores.alignments.values())


def _data(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"
