"""The embedded corpus: the same bytes, disjoint voices, and restartable."""

import multiprocessing
import re
import wave
from pathlib import Path

import numpy as np
import pytest

from asr.config_load import ROOT, read_yaml
from asr.data import synth
from asr.data.espeak import espeak
from asr.data.resample import resample
from asr.data.synth import generate
from asr.data.synth_plan import SynthSettings, parse_speaker, plan
from asr.data.synth_speech import say
from asr.data.synth_text import KINDS, SLOTS, sentences, spoken, vocabulary
from asr.errors import RecipeError

SETTINGS = SynthSettings(
    seed=3,
    sample_rate=16000,
    sizes={"train": 6, "dev": 2, "test": 2},
    speakers={
        "train": (parse_speaker("en-us+f2 40 150"), parse_speaker("en+m2 60 170")),
        "dev": (parse_speaker("en-us+f3 50 160"),),
        "test": (parse_speaker("en-us+m5 50 140"),),
    },
    snr=(20.0, 30.0),
)


def wavs(folder: Path) -> dict[str, bytes]:
    return {
        str(p.relative_to(folder)): p.read_bytes()
        for p in sorted(folder.rglob("*"))
        if p.is_file()
    }


def _speak(numbers: list[int]) -> list[bytes]:
    """Speak some lines of the plan in this order; runs in a process of its own."""
    lines = plan(SETTINGS)
    return [say(lines[n], SETTINGS).tobytes() for n in numbers]


def test_same_samples_in_any_order_and_process() -> None:
    orders = [[0, 1, 2, 3], [3, 1, 0, 2], [2, 2, 3, 0, 1]]
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
        results = pool.map(_speak, orders, chunksize=1)
    spoken_by_number: dict[int, set[bytes]] = {}
    for order, samples in zip(orders, results, strict=True):
        for number, pcm in zip(order, samples, strict=True):
            spoken_by_number.setdefault(number, set()).add(pcm)
    assert all(len(versions) == 1 for versions in spoken_by_number.values())
    assert len({next(iter(v)) for v in spoken_by_number.values()}) == 4


def test_a_corpus_is_made_identically_by_one_or_two_processes(tmp_path: Path) -> None:
    generate(tmp_path / "one", SETTINGS, nj=1)
    generate(tmp_path / "two", SETTINGS, nj=2)
    one = wavs(tmp_path / "one")
    assert one == wavs(tmp_path / "two")
    assert sum(name.endswith(".wav") for name in one) == 10


def test_interrupted_and_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "synth"
    generate(folder, SETTINGS, nj=1)
    before = wavs(folder)
    kept = sorted(folder.rglob("*.wav"))
    (folder / ".complete").unlink()
    for path in kept[3:]:
        path.unlink()
    (kept[5].parent / f".partial-{kept[5].name}").write_bytes(b"half")
    monkeypatch.setattr(synth, "run_in_processes", _here)
    times = [path.stat().st_mtime_ns for path in kept[:3]]
    generate(folder, SETTINGS, nj=1)
    assert wavs(folder) == before
    assert [path.stat().st_mtime_ns for path in kept[:3]] == times
    monkeypatch.setattr(synth, "_speak_all", None)  # complete: not called again
    generate(folder, SETTINGS, nj=1)


def _here(name, function, tasks, nj):  # type: ignore[no-untyped-def]
    return [(number, function(*task)) for number, task in enumerate(tasks)]


def test_other_options_replace_the_corpus(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(synth, "run_in_processes", _here)
    folder = tmp_path / "synth"
    generate(folder, SETTINGS, nj=1)
    before = wavs(folder)
    fewer = {"train": 4, "dev": 2, "test": 2}
    changed = SynthSettings(4, 16000, fewer, SETTINGS.speakers, SETTINGS.snr)
    generate(folder, changed, nj=1)
    after = wavs(folder)
    assert sum(name.endswith(".wav") for name in after) == 8
    shared = {n for n in before.keys() & after.keys() if n.endswith(".wav")}
    assert shared and all(before[name] != after[name] for name in shared)


def test_sound_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(synth, "run_in_processes", _here)
    generate(tmp_path, SETTINGS, nj=1)
    for row in (tmp_path / "train.tsv").read_text().splitlines():
        id_, speaker, file, text = row.split("\t")
        assert id_.startswith(speaker) and file.endswith(f"{speaker}/{id_}.wav")
        with wave.open(str(tmp_path / file)) as sound:
            assert (sound.getframerate(), sound.getnchannels()) == (16000, 1)
            pcm = np.frombuffer(sound.readframes(sound.getnframes()), np.int16)
        assert 0.15 < len(pcm) / 16000 / len(text.split()) < 1.5
        assert 0.09 < np.abs(pcm.astype(int)).max() / 32768 < 0.6
        assert len(np.unique(pcm[:400])) > 5  # noise where speech has not begun


def test_a_test_sentence_is_never_said_in_training() -> None:
    settings = _egs()
    lines = plan(settings)
    texts = {s: {x.text for x in lines if x.split == s} for s in settings.sizes}
    assert not texts["train"] & (texts["dev"] | texts["test"])
    assert not texts["dev"] & texts["test"]
    assert len({line.id for line in lines}) == len(lines)


def test_the_corpus_of_the_recipe() -> None:
    settings = _egs()
    voices = {s: {x.voice for x in v} for s, v in settings.speakers.items()}
    assert sum(len(set(v)) for v in settings.speakers.values()) >= 40
    variants = [{v.split("+")[1] for v in group} for group in voices.values()]
    assert not variants[0] & (variants[1] | variants[2])
    assert not variants[1] & variants[2]
    counts: dict[str, int] = {}
    for line in plan(settings):
        if line.split == "train":
            for word in line.text.split():
                counts[word] = counts.get(word, 0) + 1
    assert counts.keys() == vocabulary()
    assert min(counts.values()) >= 5


def test_all_voices_speak() -> None:
    for speakers in _egs().speakers.values():
        for s in speakers:
            pcm = espeak().speak("seven", s.voice, s.pitch, s.rate)
            assert np.abs(np.frombuffer(pcm, np.int16).astype(int)).max() > 500, s


def test_unknown_voice_and_shared_voice() -> None:
    with pytest.raises(RecipeError, match="no voice xx-none"):
        espeak().speak("one", "xx-none", 50, 150)
    shared = {**SETTINGS.speakers, "test": SETTINGS.speakers["train"]}
    with pytest.raises(RecipeError, match=r"en-us\+f2 is in train and in test"):
        plan(SynthSettings(1, 16000, SETTINGS.sizes, shared, (20, 30)))
    with pytest.raises(RecipeError, match="'VOICE PITCH RATE'"):
        parse_speaker("en-us+f3 high")


@pytest.mark.parametrize("hertz", [200, 1000, 3000, 6500])
def test_resampling_keeps_tones(hertz: int) -> None:
    time = np.arange(22050) / 22050
    samples = np.rint(10000 * np.sin(2 * np.pi * hertz * time)).astype(np.int16)
    expected = 10000 * np.sin(2 * np.pi * hertz * np.arange(16000) / 16000)
    resampled = resample(samples, 22050, 16000)
    assert len(resampled) == 16000
    assert np.abs(resampled - expected)[100:-100].max() < 30


def test_resampling_removes_what_would_fold_back() -> None:
    time = np.arange(22050) / 22050
    samples = np.rint(10000 * np.sin(2 * np.pi * 9500 * time)).astype(np.int16)
    assert np.abs(resample(samples, 22050, 16000)[100:-100]).max() < 60


def test_grammar() -> None:
    texts = sentences(500, "seed")
    assert texts == sentences(500, "seed") != sentences(500, "other")
    assert {word for text in texts for word in text.split()} <= vocabulary()
    assert not any(re.search(r"[^a-z ]", text) for text in texts)
    assert not set(sentences(200, "seed", avoid=set(texts))) & set(texts)
    assert sum(share for _, share, _ in KINDS) == 100
    named = set(re.findall(r"{(\w+)}", str(KINDS)))
    assert named == set(SLOTS)


def test_the_letter_a_is_not_the_article() -> None:
    assert spoken("b a c") == "b [[eI]] c"
    article = espeak().speak("b a c", "en-us+m1", 50, 150)
    letter = espeak().speak(spoken("b a c"), "en-us+m1", 50, 150)
    assert len(letter) > 1.02 * len(article)


def _egs() -> SynthSettings:
    """The settings of egs/synth/corpus.yaml, as its prepare.py reads them."""
    from asr.data.corpus import load_module

    folder = ROOT / "egs/synth"
    options = read_yaml(folder / "corpus.yaml")["corpus"]["options"]
    settings: SynthSettings = load_module(folder).settings(options)
    return settings
