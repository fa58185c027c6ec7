"""A page with picture and sound of every augmentation, before and after."""

import html
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from asr.atomic import atomic_path, write_text
from asr.data.augment.examples import Example
from asr.plot.spectrogram import draw_sheet, draw_spectrogram

STYLE = """body{font:15px/1.4 sans-serif;max-width:1100px;margin:2em auto;padding:0 1em}
section{border-top:1px solid #ccc;margin-top:1em}
.pair{display:flex;flex-wrap:wrap;gap:1em}.pair>div{flex:1 1 320px}
img{max-width:100%}audio{width:100%}code{background:#eee;padding:0 .2em}"""


def write_gallery(
    examples: Sequence[Example], folder: Path, title: str, text: str, sample_rate: int
) -> Path:
    """Write ``index.html``, and NAME.png and NAME.wav of every example beside it.

    Args:
        examples: the originals are those without a key; an example whose sound was
            made from features is shown beside the original of that kind.
        folder: other files in it are left alone.
        title, text: of the page: the utterance and what is said in it.

    Returns:
        The page, which is written last.
    """
    loudest = max(float(np.abs(e.samples).max(initial=0.0)) for e in examples)
    brightest = max(float(e.features.max()) for e in examples)
    for example in examples:
        picture = folder / f"{example.name}.png"
        draw_spectrogram(example.features, picture, example.name, brightest)
        scaled = example.samples / max(1.0, loudest)  # never clipped, and comparable
        _write_wav(folder / f"{example.name}.wav", scaled, sample_rate)
    sheet = [(_sheet_title(e), e.features) for e in examples if e.name != "features"]
    draw_sheet(sheet, folder / "sheet.png")
    page = folder / "index.html"
    write_text(page, _page(examples, title, text))
    return page


def _page(examples: Sequence[Example], title: str, text: str) -> str:
    before = {e.rendered: e for e in examples if not e.key}
    sections = [_section(before[e.rendered], e) for e in examples if e.key]
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}</title>
<style>{STYLE}</style></head><body>
<h1>{html.escape(title)}</h1>
<p>{html.escape(text)}</p>
<p>Each augmentation at the strong end of its configured range. What <code>fbank</code>
configures happens to waveforms, as copies made in stage 2; what <code>train</code>
configures happens to features in training, and its sound, before and after, is made
from the features.</p>
<p><img src="sheet.png" alt="all spectrograms"></p>
{chr(10).join(sections)}
</body></html>
"""


def _section(before: Example, after: Example) -> str:
    sides = "".join(
        f'<div><p>{side}</p><img src="{e.name}.png" alt="{e.name}">'
        f'<audio controls preload="none" src="{e.name}.wav"></audio></div>\n'
        for side, e in (("before", before), ("after", after))
    )
    return (
        f'<section id="{after.name}"><h2>{after.name}</h2>\n<p><code>{after.key}</code>: '
        f'{html.escape(after.caption)}</p>\n<div class="pair">\n{sides}</div></section>'
    )


def _sheet_title(example: Example) -> str:
    return f"{example.name}: {example.caption}"


def _write_wav(path: Path, samples: NDArray[np.float32], sample_rate: int) -> None:
    content = io.BytesIO()
    soundfile.write(content, samples, sample_rate, "PCM_16", format="WAV")
    with atomic_path(path) as partial:
        partial.write_bytes(content.getvalue())
