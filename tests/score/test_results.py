"""The report page: what stands in it, and what a browser makes of it."""

import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest
import soundfile

from asr.bin import report
from asr.data.clips import encode
from asr.errors import RecipeError
from asr.options import build_parser, make_job
from asr.plot.curves import draw_curves
from asr.score.calc_metrics import score
from asr.score.error_rate import ErrorRate
from asr.score.results import (
    Decoder,
    Result,
    TestSet,
    report_page,
    table,
    write_results,
)
from tests.score.browser import Browser, browser

REFS = {f"u{k}": "ONE TWO <THREE> FOUR" for k in range(30)}
GREEDY = REFS | {"u1": "ONE TOO FOUR", "u2": "ONE TWO <THREE> FOUR & MORE", "u3": ""}
BEAM = REFS | {"u1": "ONE TWO FOUR", "u4": "ONE TWO <TREE> FOUR"}
DECODERS = [
    Decoder("greedy", score(REFS, GREEDY), 0.0001, 50.0),
    Decoder("beam-lm", score(REFS, BEAM), 0.01, 100.0),
]
RATE = 16000


def tone(seconds: float) -> bytes:
    times = np.arange(int(seconds * RATE)) / RATE
    return encode(0.3 * np.sin(880 * np.pi * times).astype(np.float32), RATE)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("page")
    records = [{"kind": "step", "step": k, "loss": 5.0 / k} for k in range(1, 9)]
    rates = {"learning_rate": 1e-3, "gradient_norm": 1.0, "throughput": 9.0}
    records = [record | rates | {"skipped": 0} for record in records]
    draw_curves(records, folder / "curves.png")
    sets = [TestSet("test", DECODERS), TestSet("other", DECODERS[:1])]
    clips = {("test", "u1"): tone(0.5), ("test", "u4"): tone(1.5)}
    curves = (folder / "curves.png").read_bytes()
    text = report_page("exp/<a&b>", "commit: 123\nmodel:", curves, sets, clips)
    (folder / "report.html").write_text(text, encoding="utf-8")
    return folder / "report.html"


class Outside(HTMLParser):
    """Collects open tags, and addresses that are not part of the page."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ("meta", "img"):
            self.open.append(tag)
        for name, value in attrs:
            if name in ("src", "href") and not (value or "").startswith("data:"):
                self.links.append(str(value))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_page_is_whole_and_needs_nothing_else(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    parser = Outside()
    parser.feed(text)
    assert parser.open == [] == parser.links
    assert "default-src 'none'" in text and "http://" not in text
    assert "exp/&lt;a&amp;b&gt;" in text and "&lt;THREE&gt;" in text
    assert "<THREE>" not in text and "commit: 123" in text


def test_numbers_are_those_of_the_scores(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    cells = re.findall(r'<td data-value="([0-9.]+)"><strong>', text)
    # overview: greedy of both sets, beam-lm; table: WER and CER of both; other again
    wer = [f"{100 * errors / 120:.4f}" for errors in (2 + 2 + 4, 2)]
    assert cells[:3] == [wer[0], wer[0], wer[1]]
    assert cells[3] == wer[0] and cells[5] == wer[1]
    assert "MORE" in text  # inserted by greedy, shown among what was made up


def test_worst_utterances_are_those_of_the_best_decoder() -> None:
    found = TestSet("test", DECODERS)
    assert found.best.name == "beam-lm" and found.worst == ["u1", "u4"]


def test_a_browser_shows_and_plays_it(page: Path, tmp_path: Path) -> None:
    with browser(tmp_path / "profile") as window:
        window.open(page)
        assert window.run("return document.title") == "exp/<a&b>"
        assert shown(window, "#set-test") == {"beam-lm"}
        window.click("#set-test button[data-decoder=greedy]")
        assert shown(window, "#set-test") == {"greedy"}
        assert shown(window, "#set-other") == {"greedy"}
        pressed = "return document.querySelector('[aria-pressed=true]').textContent"
        assert window.run(pressed) == "greedy"

        first = "return document.querySelector('#set-test td').textContent"
        assert window.run(first) == "greedy"
        window.click("#set-test th:nth-child(2)")
        assert window.run(first) == "beam-lm"
        window.click("#set-test th:nth-child(2)")
        assert window.run(first) == "greedy"

        assert window.run("""
            const all = [...document.querySelectorAll('audio')];
            await Promise.all(all.map(a => a.play()));
            for (let i = 0; i < 100 && !all.every(a => a.currentTime > 0); i++)
                await new Promise(done => setTimeout(done, 100));
            return all.map(a => [a.error, a.duration, a.currentTime > 0]);
            """) == [[None, 0.5, True], [None, 1.5, True]]
        assert window.run("return document.querySelector('img').naturalWidth") > 500
        loaded = "return performance.getEntriesByType('resource').map(e => e.name)"
        assert all(name.startswith("data:") for name in window.run(loaded))
        wide = "return document.documentElement.scrollWidth <= window.innerWidth"
        assert window.run(wide)
        picture = matplotlib.image.imread(io.BytesIO(window.screenshot()))
    check_picture(picture[..., :3])


def shown(window: Browser, section: str) -> set[str]:
    script = (
        f"return [...document.querySelectorAll('{section} [data-panel]')]"
        ".filter(p => p.offsetHeight > 0).map(p => p.dataset.panel)"
    )
    return set(window.run(script))


def check_picture(picture: np.ndarray) -> None:
    """White ground, dark text, and the three colours of the errors."""
    colours = (picture * 255).round().astype(int).reshape(-1, 3)
    assert (colours.min(axis=1) > 240).mean() > 0.7
    assert (colours.max(axis=1) < 60).sum() > 500
    for colour in ((0xB4, 0x53, 0x09), (0x1D, 0x4E, 0xD8), (0xB9, 0x1C, 0x1C)):
        assert (np.abs(colours - colour).max(axis=1) < 8).sum() > 20


@pytest.fixture
def experiment(tmp_path: Path) -> Path:
    """One set of a user's folder that has been decoded and scored."""
    exp, audio = tmp_path / "exp", tmp_path / "mydata" / "audio"
    method = exp / "decode_mydata" / "greedy"
    audio.mkdir(parents=True)
    method.mkdir(parents=True)
    soundfile.write(str(audio / "a.wav"), np.zeros(8000, np.float32), 8000)
    soundfile.write(str(audio / "b.wav"), np.zeros(31 * 8000, np.float32), 8000)
    (method.parent / "source").write_text(f"{audio.parent}\n")
    (method.parent / "ref").write_text("a ONE TWO\nb THREE\n")
    (method.parent / "results.tsv").write_text("method\twer\n")
    (method / "text").write_text("a ONE\nb FOUR\nc FIVE\n")
    (method / "timing.json").write_text(json.dumps({"rtf": 0.1, "peak_rss_mb": 9}))
    return exp


def job_of(exp: Path) -> report.Job:
    folders = ["--exp-dir", str(exp), "--data-dir", str(exp.parent / "data")]
    return make_job(build_parser(["report"]).parse_args(["report", *folders]), 9)


def test_report_of_a_users_folder(experiment: Path) -> None:
    report.run(job_of(experiment))
    text = (experiment / "report.html").read_text(encoding="utf-8")
    assert "66.67" in text and "no log of a training here" in text
    (clip,) = re.findall('data:audio/flac;base64,([^"]+)', text)  # b is too long
    assert text.index("no audio here") > 0 and len(clip) > 100
    before = text
    report.run(job_of(experiment))
    assert (experiment / "report.html").read_text(encoding="utf-8") == before


def test_a_damaged_set_is_named_and_left_out(
    experiment: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (experiment / "decode_mydata" / "greedy" / "text").write_text("a ONE\n")
    with pytest.raises(RecipeError, match="no results to report"):
        report.run(job_of(experiment))
    assert "decode_mydata is left out: no hypothesis for b" in capsys.readouterr().out


def test_results_table(tmp_path: Path) -> None:
    errors = ErrorRate(1, 2, 3, 100)
    path = tmp_path / "results.tsv"
    write_results([Result("beam-lm", errors, errors, 0.01234, 99.6)], path)
    header, row = path.read_text().splitlines()
    assert header.split("\t") == (
        "method wer cer ins del sub words rtf peak_rss_mb".split()
    )
    assert row.split("\t") == "beam-lm 6.00 6.00 1 2 3 100 0.0123 100".split()
    assert len({len(line) for line in table(path).splitlines()}) == 1
