"""The sample that is spoken to try a model on."""

from pathlib import Path

import pytest

from asr.__main__ import main
from asr.data.sample_audio import SAMPLE_RATE, SENTENCES
from asr.data.user_folder import load_user_folder
from asr.text.normalize import get_rule
from tests.data.synth_settings import recipe_settings


def test_a_folder_as_users_have_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "sample"
    assert main(["sample_audio", str(folder)]) == 0
    user = load_user_folder(folder, get_rule("upper"))
    assert not user.failures and len(user.files) == 6
    texts = [file.text for file in user.files]
    assert texts == [text.upper() for _, text in SENTENCES[:-1]] + [None]
    assert {file.path.suffix for file in user.files} == {".wav", ".flac"}
    total = sum(file.path.stat().st_size for file in user.files)
    assert 100_000 < total < 1_500_000
    audio = {file.path: file.path.read_bytes() for file in user.files}
    assert main(["sample_audio", str(folder)]) == 0
    assert {path: path.read_bytes() for path in audio} == audio
    assert capsys.readouterr().out == 2 * f"{folder}: 6 files, 5 transcripts\n"
    assert main(["sample_audio", str(tmp_path)]) == 2


def test_no_voice_is_one_that_the_embedded_corpus_trains_with() -> None:
    train = {speaker.voice for speaker in recipe_settings().speakers["train"]}
    assert not train & {voice.split()[0] for voice, _ in SENTENCES}
    assert SAMPLE_RATE != 16_000
