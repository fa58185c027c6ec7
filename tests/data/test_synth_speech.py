"""Speech of the embedded corpus: the same samples in any order."""

import multiprocessing

import numpy as np

from asr.data.espeak import espeak
from asr.data.synth_plan import plan
from asr.data.synth_speech import say
from asr.data.synth_text import spoken
from tests.data.synth_settings import SETTINGS, recipe_settings


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


def test_all_voices_speak() -> None:
    for speakers in recipe_settings().speakers.values():
        for s in speakers:
            pcm = espeak().speak("seven", s.voice, s.pitch, s.rate)
            assert np.abs(np.frombuffer(pcm, np.int16).astype(int)).max() > 500, s


def test_the_letter_a_is_not_the_article() -> None:
    assert spoken("b a c") == "b [[eI]] c"
    article = espeak().speak("b a c", "en-us+m1", 50, 150)
    letter = espeak().speak(spoken("b a c"), "en-us+m1", 50, 150)
    assert len(letter) > 1.02 * len(article)
