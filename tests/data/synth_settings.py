"""Settings of the embedded corpus: ten utterances, and those of the recipe."""

from asr.config_load import ROOT, read_yaml
from asr.data.synth_plan import SynthSettings, parse_speaker

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


def recipe_settings() -> SynthSettings:
    """The settings of egs/synth/corpus.yaml, as its prepare.py reads them."""
    from asr.data.corpus import load_module

    folder = ROOT / "egs/synth"
    options = read_yaml(folder / "corpus.yaml")["corpus"]["options"]
    settings: SynthSettings = load_module(folder).settings(options)
    return settings
