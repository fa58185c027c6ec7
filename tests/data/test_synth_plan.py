"""The plan of the embedded corpus: disjoint voices and sentences."""

import pytest

from asr.data.espeak import espeak
from asr.data.synth_plan import SynthSettings, parse_speaker, plan
from asr.data.synth_text import vocabulary
from asr.errors import RecipeError
from tests.data.synth_settings import SETTINGS, recipe_settings


def test_a_test_sentence_is_never_said_in_training() -> None:
    settings = recipe_settings()
    lines = plan(settings)
    texts = {s: {x.text for x in lines if x.split == s} for s in settings.sizes}
    assert not texts["train"] & (texts["dev"] | texts["test"])
    assert not texts["dev"] & texts["test"]
    assert len({line.id for line in lines}) == len(lines)


def test_the_corpus_of_the_recipe() -> None:
    settings = recipe_settings()
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


def test_unknown_voice_and_shared_voice() -> None:
    with pytest.raises(RecipeError, match="no voice xx-none"):
        espeak().speak("one", "xx-none", 50, 150)
    shared = {**SETTINGS.speakers, "test": SETTINGS.speakers["train"]}
    with pytest.raises(RecipeError, match=r"en-us\+f2 is in train and in test"):
        plan(SynthSettings(1, 16000, SETTINGS.sizes, shared, (20, 30)))
    with pytest.raises(RecipeError, match="'VOICE PITCH RATE'"):
        parse_speaker("en-us+f3 high")
