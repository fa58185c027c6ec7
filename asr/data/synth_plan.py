"""What the embedded corpus is to say: settings, voices, and who says what."""

from dataclasses import dataclass

from asr.data.synth_text import sentences
from asr.errors import RecipeError


@dataclass(frozen=True)
class Speaker:
    """A voice of espeak-ng at one pitch and speed."""

    voice: str
    pitch: int  # 0 to 99
    rate: int  # words a minute

    @property
    def id(self) -> str:
        """Name for ids and folders, such as ``en-us.f3.p40.r150``."""
        return f"{self.voice.replace('+', '.')}.p{self.pitch}.r{self.rate}"


@dataclass(frozen=True)
class Line:
    """One utterance of the plan."""

    split: str
    id: str
    speaker: Speaker
    text: str

    @property
    def file(self) -> str:
        """Sound file, relative to the corpus's folder."""
        return f"{self.split}/{self.speaker.id}/{self.id}.wav"


@dataclass(frozen=True)
class SynthSettings:
    """All that decides the corpus.

    Attributes:
        sizes: number of utterances by split.
        speakers: by split; no voice may be in two of them.
        snr: lowest and highest signal-to-noise ratio in dB, drawn per utterance.
    """

    seed: int
    sample_rate: int
    sizes: dict[str, int]
    speakers: dict[str, tuple[Speaker, ...]]
    snr: tuple[float, float]


def parse_speaker(text: str) -> Speaker:
    """Read ``"en-us+f3 40 150"``: voice, pitch, words a minute."""
    fields = text.split()
    if len(fields) != 3 or not (fields[1].isdigit() and fields[2].isdigit()):
        raise RecipeError(
            f"corpus.options: speaker {text!r} is not 'VOICE PITCH RATE', "
            "such as 'en-us+f3 40 150'"
        )
    return Speaker(fields[0], int(fields[1]), int(fields[2]))


def plan(settings: SynthSettings) -> list[Line]:
    """Lay down who says what.

    A sentence of train is never said in dev or test, nor one of dev in test; within
    a split sentences may repeat. Speakers take turns.

    Raises:
        RecipeError: a voice is in two splits.
    """
    _check_voices(settings)
    lines: list[Line] = []
    taken: set[str] = set()
    for split, count in settings.sizes.items():
        texts = sentences(count, f"{settings.seed} {split}", avoid=taken)
        taken.update(texts)
        speakers = settings.speakers[split]
        for number, text in enumerate(texts):
            speaker = speakers[number % len(speakers)]
            lines.append(Line(split, f"{speaker.id}-{number:04d}", speaker, text))
    return lines


def _check_voices(settings: SynthSettings) -> None:
    seen: dict[str, str] = {}
    for split, speakers in settings.speakers.items():
        for speaker in speakers:
            other = seen.setdefault(speaker.voice, split)
            if other != split:
                raise RecipeError(
                    f"corpus.options: voice {speaker.voice} is in {other} and in "
                    f"{split}; the splits' voices must be disjoint"
                )
