"""A few recordings to try a model on, spoken by espeak-ng: no download, no licence."""

from pathlib import Path

import soundfile

from asr.atomic import atomic_path
from asr.data.synth_plan import Line, SynthSettings, parse_speaker
from asr.data.synth_speech import say

SAMPLE_RATE = 22_050  # Hz; not the models' own, as is usual with people's recordings
SNR = (30.0, 40.0)  # dB
# Who says what; nobody of these is in the embedded corpus's training set.
SENTENCES = (
    ("en-us+f5 55 150", "the old man sat by the river and looked at the water"),
    ("en+m5 45 145", "she opened the window and called to the children in the garden"),
    ("en-us+linda 45 155", "it was late in the evening when the two friends came home"),
    ("en-gb-x-rp+paul 55 140", "he had never seen so many people in one place before"),
    ("en-us+Michael 40 150", "there was a small house on the other side of the hill"),
    ("en-us-nyc+max 60 145", "nobody could tell him where the road would lead"),
)


def write_sample(folder: Path) -> None:
    """Write ``audio/`` with a WAV or FLAC file a sentence, and ``transcriptions/``.

    The last one has no transcript. The same bytes every time, but for what another
    libsndfile does differently.
    """
    speakers = tuple(parse_speaker(voice) for voice, _ in SENTENCES)
    settings = SynthSettings(1, SAMPLE_RATE, {}, {"test": speakers}, SNR)
    with atomic_path(folder) as partial:
        for name in ("audio", "transcriptions"):
            (partial / name).mkdir(parents=True)
        for number, (speaker, (_, text)) in enumerate(
            zip(speakers, SENTENCES, strict=True), start=1
        ):
            id_ = f"sample-{number}"
            samples = say(Line("test", id_, speaker, text), settings)
            suffix = "flac" if number % 2 == 0 else "wav"
            soundfile.write(partial / "audio" / f"{id_}.{suffix}", samples, SAMPLE_RATE)
            if number < len(SENTENCES):
                path = partial / "transcriptions" / f"{id_}.txt"
                path.write_text(f"{text.capitalize()}.\n", encoding="utf-8")
