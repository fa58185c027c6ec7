"""The comparison with PocketSphinx, as far as it goes without PocketSphinx."""

import os
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

from asr.data.user_folder import load_user_folder
from asr.decode.matrix import decode_set
from asr.decode.methods import SearchOptions
from asr.decode.recordings import Hearing, write_recordings
from asr.decode.vocabulary import Vocabulary
from asr.errors import RecipeError
from asr.models.create import create_model
from asr.models.package import load_package, save_package
from asr.text.normalize import upper
from asr.text.tokenizer import Tokenizer
from benchmarks.competitors import sphinx_loads
from benchmarks.recognisers import Recognise, load_recipe, load_sphinx, read_pcm
from benchmarks.taking_turns import Heard, take_turns
from benchmarks.turns_table import table
from tests.data.sounds import noise, write_sound

OPTIONS = {"dim": 16, "num_layers": 1, "num_heads": 2, "ff_dim": 16, "conv_channels": 2}
HEARING = Hearing(
    16000, 20, 4, window_seconds=2.0, overlap_seconds=0.5, channel=None, level=None
)


def test_table_by_hand() -> None:
    """Of four words, three and one wrong; three rounds; both sides normalised."""
    peer = Heard(
        0.5, {"x": "it's five", "y": "you two"}, [4.0, 6.0, 5.0], [4.0] * 3, 99.6
    )
    ours = Heard(2.0, {"x": "IT'S 5!", "y": "ME"}, [2.0, 2.0, 1.0], [1.0] * 3, 200.2)
    refs = {"x": "It\u2019s 5.", "y": "me too"}
    rows = table({"peer": peer, "ours": ours}, refs, 10.0, upper).splitlines()
    assert len(rows) == 4 and len({row.count("|") for row in rows}) == 1
    first, second = ([c.strip() for c in row.split("|")[1:-1]] for row in rows[2:])
    assert first[0] == "peer" and first[1].startswith("75.00 (")
    assert first[2:6] == ["0", "0", "3", ""]
    assert first[6:] == ["0.5000 (0.4000 - 0.6000)", "0.4000", "", "0.5", "100"]
    assert second[1].startswith("25.00 (") and second[2:5] == ["0", "1", "0"]
    assert second[5].startswith("-50.00 (")
    assert second[6:] == ["0.2000 (0.1000 - 0.2000)", "0.1000", "3.0 x", "2.0", "200"]


def test_table_without_transcripts() -> None:
    heard = Heard(0.5, {"x": "a"}, [1.0], [1.0], 10.0)
    row = table({"peer": heard, "ours": heard}, {}, 2.0, upper).splitlines()[-1]
    assert row.startswith("| ours |  | 0 | 0 | 0 |  | 0.5000 (")


def _load_counter(log: str, name: str) -> Recognise:
    calls: list[str] = []

    def recognise(path: str) -> str:
        calls.append(path)
        with open(log, "a", encoding="utf-8") as file:
            file.write(f"{name} {Path(path).name}\n")
        if name == "slow":
            time.sleep(0.05)
        return f"{os.getpid()} {len(calls) if name == 'slow' else 0}"

    return recognise


def _load_nothing() -> Recognise:
    raise RecipeError("no model")


def test_file_by_file_in_turn(tmp_path: Path) -> None:
    """The first turn goes round; the first call of all is not counted."""
    files = [str(write_sound(tmp_path / f"{name}.wav", 0.1)) for name in "xy"]
    log = str(tmp_path / "log")
    loads = {name: partial(_load_counter, log, name) for name in ("slow", "fast")}
    heard = take_turns(loads, files, 2)
    order = [line.split() for line in Path(log).read_text().splitlines()]
    assert [name for name, _ in order[:2]] == ["slow", "fast"]  # not counted
    assert order[2:] == [
        ["slow", "x.wav"],
        ["fast", "x.wav"],
        ["fast", "y.wav"],
        ["slow", "y.wav"],
        ["fast", "x.wav"],
        ["slow", "x.wav"],
        ["slow", "y.wav"],
        ["fast", "y.wav"],
    ]
    slow, fast = heard["slow"], heard["fast"]
    assert len(slow.seconds) == 2 and min(slow.seconds) >= 0.1
    assert slow.unsteady == set(files) and fast.unsteady == set()
    processes = {
        text.split()[0] for found in heard.values() for text in found.texts.values()
    }
    assert len(processes) == 2 and str(os.getpid()) not in processes
    assert 5 < slow.peak_rss_mb < 10_000


def test_failure_is_one_line_with_its_name(tmp_path: Path) -> None:
    files = [str(write_sound(tmp_path / "x.wav", 0.1))]
    with pytest.raises(RecipeError, match="^broken: no model$"):
        take_turns({"broken": _load_nothing}, files, 1)


def test_without_pocketsphinx_the_requirements_are_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "pocketsphinx", None)
    with pytest.raises(RecipeError, match="requirements-pocketsphinx.txt"):
        load_sphinx({})
    root = Path(__file__).parents[2]
    assert (root / "benchmarks" / "requirements-pocketsphinx.txt").is_file()


def test_other_options_of_pocketsphinx() -> None:
    loads = sphinx_loads(["lw=8 beam=1e-60"])
    assert list(loads) == ["PocketSphinx", "PocketSphinx, lw=8 beam=1e-60"]
    with pytest.raises(RecipeError, match="name=value"):
        sphinx_loads(["lw 8"])


def test_samples_for_pocketsphinx(tmp_path: Path) -> None:
    """16-bit samples come through as they are; other rates keep pitch and length."""
    sound = write_sound(tmp_path / "x.flac", 0.5)
    samples = np.frombuffer(read_pcm(str(sound)), "<i2")
    assert np.abs(samples - noise(0.5) * 2**15).max() <= 1.0
    import soundfile

    tone = np.sin(2 * np.pi * 440 * np.arange(22050) / 22050)
    soundfile.write(tmp_path / "tone.wav", np.stack([tone, 0 * tone], 1), 22050)
    heard = np.frombuffer(read_pcm(str(tmp_path / "tone.wav")), "<i2")
    wanted = 0.5 * 2**15 * np.sin(2 * np.pi * 440 * np.arange(16000) / 16000)
    assert len(heard) == 16000
    assert np.abs(heard - wanted)[200:-200].max() < 200  # of 16,384


@pytest.mark.parametrize("method", ["greedy", "beam"])
def test_recipe_recognises_as_stage_8(method: str, tmp_path: Path) -> None:
    """In memory the same texts as through the file of log-probs, long audio included."""
    lang = tmp_path / "lang"
    lang.mkdir()
    Tokenizer.train(["ABC DEF GHI"], lang, "char", 0)
    tokens = Tokenizer.load(lang).tokens
    torch.manual_seed(0)
    model = create_model("conformer", 20, len(tokens), OPTIONS)
    averaged = tmp_path / "averaged.pt"
    save_package(
        averaged,
        model.state_dict(),
        name="conformer",
        options=OPTIONS,
        num_features=20,
        tokens=tokens,
        epochs=[1],
    )
    for name, seconds, rate in (("a.wav", 1.5, 16000), ("b.wav", 7.0, 8000)):
        write_sound(tmp_path / "mine" / "audio" / name, seconds, rate)
    files = load_user_folder(tmp_path / "mine", upper).files
    log_probs, options = tmp_path / "log_probs.h5", SearchOptions()
    package = load_package(averaged)
    vocabulary = Vocabulary(package.tokens)
    write_recordings(package.model, vocabulary, files, log_probs, {}, HEARING, False)
    decoded = decode_set(method, log_probs, lang, None, options)
    recognise = load_recipe(method, averaged, lang, None, options, HEARING)
    texts = {file.id: recognise(str(file.path)) for file in files}
    assert texts == {id_: hyps[0].text for id_, hyps in decoded.nbest.items()}
    assert len(texts["b"]) > 5
