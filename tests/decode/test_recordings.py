"""A user's recordings to log-probs and on to words: any length, only what is new."""

import dataclasses
import os
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
import pytest
import soundfile
import torch

from asr.bin.decode_folder import hearing_of
from asr.data import sample_audio
from asr.data.audio import read_audio
from asr.data.corpus import Utterance, describe
from asr.data.extract import extract_split
from asr.data.fbank import FbankSettings, compute
from asr.data.manifest import prepare_split
from asr.data.shard_reader import ShardReader
from asr.data.user_folder import UserFile, load_user_folder
from asr.decode.greedy import greedy_search
from asr.decode.log_probs import read_log_probs, read_recordings
from asr.decode.matrix import decode_set
from asr.decode.methods import SearchOptions
from asr.decode.recordings import (
    Hearing,
    acoustic_of,
    holds,
    pieces_of,
    same_hearing,
    write_recordings,
)
from asr.decode.vocabulary import Vocabulary
from asr.decode.windows import Samples
from asr.model_dir import BUNDLED, read_manifest
from asr.models.create import AcousticModel, create_model
from asr.models.weights_file import load_weights
from asr.options import build_parser, make_job
from asr.text.normalize import get_rule
from asr.text.tokenizer import Tokenizer, read_tokens
from tests.data.augment.settings import speech_like
from tests.data.sounds import write_sound

OPTIONS = {"dim": 16, "num_layers": 1, "num_heads": 2, "ff_dim": 16, "conv_channels": 2}
HEARING = Hearing(
    16000, 20, 4, window_seconds=2.0, overlap_seconds=0.5, channel=None, level=-24.0
)
MADE_BY = {"model": "toy"}


@pytest.fixture(scope="module")
def lang(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("lang")
    Tokenizer.train(["ABC DEF GHI"], folder, "char", 0)
    return folder


@pytest.fixture
def model(lang: Path) -> AcousticModel:
    torch.manual_seed(0)
    return create_model(
        "conformer", 20, len(Tokenizer.load(lang).tokens), OPTIONS
    ).eval()


def files(folder: Path) -> tuple[UserFile, ...]:
    return load_user_folder(folder, str.strip).files


def write(
    model: AcousticModel, lang: Path, folder: Path, out: Path, keep: bool = True
) -> tuple[tuple[str, ...], dict[str, str]]:
    keep = keep and same_hearing(out, MADE_BY)
    tokens = Tokenizer.load(lang).tokens
    found = files(folder)
    heard = write_recordings(
        model, Vocabulary(tokens), found, out, MADE_BY, HEARING, keep
    )
    return heard.new, heard.failures


def contents(path: Path) -> Iterator[tuple[str, bytes]]:
    with h5py.File(path) as file:
        for name in sorted(file):
            attributes = {k: str(v) for k, v in sorted(file[name].attrs.items())}
            yield name, file[name][()].tobytes() + repr(attributes).encode()


def test_only_what_is_new_is_heard(
    model: AcousticModel, lang: Path, tmp_path: Path
) -> None:
    audio, out = tmp_path / "mine" / "audio", tmp_path / "log_probs.h5"
    write_sound(audio / "short.wav", 1.0)
    write_sound(audio / "long.wav", 7.0, rate=8000, channels=2)
    write_sound(audio / "tiny.wav", 0.01)
    assert write(model, lang, tmp_path / "mine", out)[0] == ("long", "short", "tiny")
    assert holds(out, files(tmp_path / "mine"))
    write_sound(audio / "new.flac", 0.5)
    write_sound(audio / "tiny.wav", 0.02)
    (audio / "short.wav").unlink()
    assert not holds(out, files(tmp_path / "mine"))
    assert write(model, lang, tmp_path / "mine", out)[0] == ("new", "tiny")
    write(model, lang, tmp_path / "mine", tmp_path / "anew.h5")
    assert list(contents(out)) == list(contents(tmp_path / "anew.h5"))
    stored = read_recordings(out)
    assert list(stored) == ["long", "new", "tiny"]
    assert not holds(out, files(tmp_path / "mine")[1:])
    assert len(stored["long"].pieces) > 3 and stored["new"].pieces == ("new",)
    assert stored["long"].duration == pytest.approx(7.0)


def test_a_file_that_breaks_off_in_the_middle_leaves_nothing(
    model: AcousticModel, lang: Path, tmp_path: Path
) -> None:
    audio = tmp_path / "audio"
    write_sound(audio / "good.wav", 1.0)
    samples = np.zeros(16000 * 30, np.float32)
    samples[-5] = np.nan
    soundfile.write(audio / "bad.wav", samples, 16000, subtype="FLOAT")
    new, failures = write(model, lang, tmp_path, tmp_path / "out.h5")
    assert new == ("good",)
    assert failures == {"audio/bad.wav": "holds samples that are not numbers"}
    assert list(read_recordings(tmp_path / "out.h5")) == ["good"]


@pytest.mark.parametrize("seconds", [1.3, 7.0])  # one window, several
def test_a_quiet_recording_is_heard_as_a_loud_one(
    model: AcousticModel, lang: Path, tmp_path: Path, seconds: float
) -> None:
    """To the bit, from file to log-probs, where a gain (-42 dB) rounds nothing."""
    sound = speech_like(seconds) * np.linspace(0.1, 1, round(16000 * seconds))
    heard = []
    for name, gain in (("loud", 1.0), ("quiet", 2.0**-7)):
        (tmp_path / name).mkdir()
        gained = (sound * gain).astype(np.float32)
        soundfile.write(tmp_path / name / "a.wav", gained, 16000, subtype="FLOAT")
        write(model, lang, tmp_path / name, tmp_path / f"{name}.h5")
        heard.append([u.log_probs for u in read_log_probs(tmp_path / f"{name}.h5")])
    assert len(heard[0]) == len(heard[1]) > (seconds > 2)
    for loud, quiet in zip(*heard, strict=True):
        assert np.array_equal(loud, quiet)


def test_features_are_those_of_stage_2(
    model: AcousticModel, lang: Path, tmp_path: Path
) -> None:
    (tmp_path / "audio").mkdir()
    path = tmp_path / "audio" / "a.wav"
    soundfile.write(path, 1e-3 * speech_like(1.5), 16000, subtype="FLOAT")
    manifests = describe([Utterance("a", path, "x", "s")])
    cuts = prepare_split("dev", *manifests, get_rule("upper")).cuts
    settings = FbankSettings(16000, 20, "float32", (1.0,), 1.0, level=HEARING.level)
    extract_split(cuts, "dev", tmp_path / "fbank", settings, nj=1)
    stored = ShardReader(tmp_path / "fbank/dev_index.tsv").read("a")
    write(model, lang, tmp_path, tmp_path / "o.h5")
    (user,) = read_log_probs(tmp_path / "o.h5")
    with torch.inference_mode():
        log_probs, _ = model(torch.from_numpy(stored)[None], torch.tensor([150]))
    assert np.abs(log_probs[0].numpy() - user.log_probs).max() < 1e-5


@pytest.mark.parametrize("size", [1000, 16000, 50000])
def test_the_level_does_not_depend_on_blocks(
    model: AcousticModel, lang: Path, size: int
) -> None:
    """Of a recording that gets louder, each window has a level of its own."""
    sound = (speech_like(7.0) * np.geomspace(1e-3, 1, 112000)).astype(np.float32)
    acoustic = acoustic_of(model, HEARING, torch.device("cpu"))
    vocabulary = Vocabulary(Tokenizer.load(lang).tokens)

    @torch.inference_mode()
    def heard(blocks: list[Samples]) -> list[tuple[int, bytes]]:
        pieces = pieces_of(blocks, acoustic, vocabulary, HEARING)
        return [(start, rows.tobytes()) for start, rows in pieces]

    blocks = [sound[i : i + size] for i in range(0, len(sound), size)]
    assert heard(blocks) == heard([sound])


def test_the_bundled_model_says_the_same_at_minus_40_db(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Phones, of which the decoders with a lexicon make the words."""
    monkeypatch.setattr(sample_audio, "SENTENCES", sample_audio.SENTENCES[3:5])
    sample_audio.write_sample(tmp_path / "spoken")
    words = ["decode", "--test-dir", str(tmp_path), "--model-dir", str(BUNDLED)]
    words += ["--exp-dir", str(tmp_path / "exp")]
    hearing = hearing_of(make_job(build_parser().parse_args(words), 8))
    tokens = read_tokens(BUNDLED / "lang" / "tokens.txt")
    about = read_manifest(BUNDLED).model
    bundled = create_model(about["name"], 80, len(tokens), about["options"]).eval()
    bundled.load_state_dict(load_weights(BUNDLED / "weights.npz"))
    hear = acoustic_of(bundled, hearing, torch.device("cpu"))
    with torch.inference_mode():
        for path in (tmp_path / "spoken" / "audio").iterdir():
            samples = read_audio(path, hearing.sample_rate)
            gained = [samples, samples * np.float32(0.01)]
            loud, quiet = (greedy_search(hear(x), tokens, " ").text for x in gained)
            assert quiet == loud and len(loud.split()) > 20


def test_memory_does_not_grow_with_the_recording(
    model: AcousticModel, lang: Path, tmp_path: Path
) -> None:
    """Of what is read, at most some blocks and one window are held."""
    largest = 0

    class Watched(torch.nn.Module):
        def forward(self, x: torch.Tensor, n: torch.Tensor) -> object:
            nonlocal largest
            largest = max(largest, x.shape[1])
            return model(x, n)

    write_sound(tmp_path / "audio" / "a.wav", 60.0)
    tokens = Tokenizer.load(lang).tokens
    watched: AcousticModel = Watched()  # type: ignore[assignment]
    found = files(tmp_path)
    write_recordings(
        watched, Vocabulary(tokens), found, tmp_path / "o.h5", {}, HEARING, False
    )
    assert largest <= 204
    lengths = [len(u.log_probs) for u in read_log_probs(tmp_path / "o.h5")]
    assert max(lengths) <= 50 and sum(lengths) == 1500


def test_hypotheses_of_a_long_recording_are_one(
    model: AcousticModel, lang: Path, tmp_path: Path
) -> None:
    write_sound(tmp_path / "audio" / "a b.wav", 9.0)
    write_sound(tmp_path / "audio" / "a!.wav", 1.0)
    write(model, lang, tmp_path, tmp_path / "o.h5")
    decoded = decode_set("beam", tmp_path / "o.h5", lang, None, SearchOptions(nbest=3))
    assert list(decoded.nbest) == ["a!", "a_b"]
    assert decoded.audio_seconds == pytest.approx(10.0)
    for hyps in decoded.nbest.values():
        assert len(hyps) == 3
        times = [t for word in hyps[0].words for t in (word.start, word.end)]
        assert times == sorted(times) and max(times, default=0) <= 9.0
    only = decode_set(
        "beam", tmp_path / "o.h5", lang, None, SearchOptions(nbest=3), ["a_b"]
    )
    assert only.nbest == {"a_b": decoded.nbest["a_b"]}


def test_another_model_hears_all_anew(
    model: AcousticModel, lang: Path, tmp_path: Path
) -> None:
    write_sound(tmp_path / "audio" / "a.wav", 1.0)
    out = tmp_path / "o.h5"
    write(model, lang, tmp_path, out)
    assert same_hearing(out, MADE_BY) and not same_hearing(out, {"model": "other"})
    assert write(model, lang, tmp_path, out)[0] == ()
    assert write(model, lang, tmp_path, out, keep=False)[0] == ("a",)
    os.unlink(out)
    assert not same_hearing(out, MADE_BY)


LETTERS = "ABCDEFGHI"
PITCHES = {letter: 500.0 * 1.25**n for n, letter in enumerate("▁" + LETTERS)}  # Hz


def spoken(text: str) -> np.ndarray:  # type: ignore[type-arg]
    """Every letter is a tone of its own, then a short pause; words have longer ones."""
    parts = []
    for word in text.split():
        for letter in "▁" + word:
            time = np.arange(1920) / 16000
            parts += [0.3 * np.sin(2 * np.pi * PITCHES[letter] * time), np.zeros(640)]
        parts.append(np.zeros(3200))
    quiet = 1e-3 * np.random.default_rng(0).normal(size=sum(map(len, parts)))
    return (np.concatenate(parts) + quiet).astype(np.float32)


class ToneModel(torch.nn.Module):
    """Knows the letters by their tones, from four frames a row."""

    def __init__(self, tokens: list[str]) -> None:
        super().__init__()
        self.heights = torch.zeros(len(tokens), 20)
        for token, pitch in PITCHES.items():
            wave = np.sin(2 * np.pi * pitch * np.arange(8000) / 16000)
            frames = compute(wave.astype(np.float32), 16000, 20)[20:30]
            self.heights[tokens.index(token)] = torch.from_numpy(frames).exp().mean(0)
        self.heights /= self.heights.norm(dim=1, keepdim=True).clamp(min=1e-9)

    def forward(
        self, x: torch.Tensor, lengths: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        rows = torch.stack([part.exp().mean(0) for part in x[0].split(4)])
        likeness = torch.nn.functional.normalize(rows, dim=1) @ self.heights.T
        loud = rows.sum(1) > 0.01 * rows.sum(1).max()
        likeness[~loud, 0] = 2.0
        return (10 * likeness).log_softmax(1)[None], (lengths + 3) // 4


def test_a_long_file_of_known_pieces_has_the_words_of_the_pieces(
    lang: Path, tmp_path: Path
) -> None:
    rng = np.random.default_rng(1)
    pieces = [
        " ".join(
            "".join(rng.permutation(list(LETTERS))[: rng.integers(1, 5)])
            for _ in range(rng.integers(1, 5))
        )
        for _ in range(14)
    ]
    (tmp_path / "audio").mkdir()
    for number, piece in enumerate(pieces):
        soundfile.write(tmp_path / f"audio/{number:02d}.wav", spoken(piece), 16000)
    whole = np.concatenate([spoken(piece) for piece in pieces])
    soundfile.write(tmp_path / "audio" / "whole.wav", whole, 16000)
    tokens = Tokenizer.load(lang).tokens
    model: AcousticModel = ToneModel(tokens)  # type: ignore[assignment]
    hearing = dataclasses.replace(HEARING, window_seconds=3.0, overlap_seconds=0.8)
    out = tmp_path / "o.h5"
    write_recordings(
        model, Vocabulary(tokens), files(tmp_path), out, MADE_BY, hearing, False
    )
    assert len(read_recordings(out)["whole"].pieces) > 5
    for method in ("greedy", "beam"):
        found = decode_set(method, out, lang, None, SearchOptions()).nbest
        texts = [found[f"{number:02d}"][0].text for number in range(14)]
        assert texts == pieces
        assert found["whole"][0].text == " ".join(pieces)
        assert [word.text for word in found["whole"][0].words] == " ".join(
            pieces
        ).split()
        last = found["whole"][0].words[-1]
        assert last.end == pytest.approx(len(whole) / 16000 - 0.24, abs=0.1)
