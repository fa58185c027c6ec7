"""The gallery, and stage 2 with augmentation, from the command line."""

import re
from pathlib import Path

import pytest
import soundfile
from lhotse import CutSet

from asr.__main__ import main
from asr.bin import fbank
from asr.data.augment import listen
from asr.data.jsonl import write_items
from asr.errors import RecipeError
from asr.job import Job
from asr.options import build_parser, make_job
from asr.stage_files import augment_sounds
from asr.stages import STAGES
from tests.data.conftest import cuts  # noqa: F401 - a fixture
from tests.data.sounds import write_sound

ON = "fbank.augment.noise.enabled=true fbank.augment.noise.folder=noise"


@pytest.fixture(autouse=True)
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listen, "ROUNDS", 2)


def options(tmp_path: Path, settings: str = "") -> list[str]:
    folders = ["--download-dir", str(tmp_path), "--data-dir", str(tmp_path / "data")]
    return ["--corpus", "an4", *folders, "--set", settings]


def gallery(tmp_path: Path, *more: str) -> int:
    command = ["augment_gallery", *options(tmp_path, ON.split()[1])]
    return main([*command, "--out", str(tmp_path / "out"), *more])


def job(tmp_path: Path, settings: str = ON) -> Job:
    command = ["fbank", *options(tmp_path, settings)]
    return make_job(build_parser().parse_args(command), 2)


def prepare(tmp_path: Path, cuts: CutSet) -> None:  # noqa: F811
    write_items(cuts, tmp_path / "data/manifests/train_cuts.jsonl.gz")


def test_the_page_shows_and_plays_everything(
    tmp_path: Path,
    cuts: CutSet,  # noqa: F811
    capsys: pytest.CaptureFixture[str],
) -> None:
    prepare(tmp_path, cuts)
    write_sound(tmp_path / "noise/a.wav", 2.0)
    (tmp_path / "out").mkdir()
    (tmp_path / "out/mine.txt").write_text("kept")
    assert gallery(tmp_path, "--utt", "a-2") == 0
    assert capsys.readouterr().out.strip() == str(tmp_path / "out/index.html")
    page = (tmp_path / "out/index.html").read_text()
    links = set(re.findall(r'src="([^"]+)"', page))
    assert len(links) == 2 * 16 + 1  # 16 pictures and sounds; the sheet
    assert "a-2" in page and "/" not in "".join(links)
    for link in links:
        assert (tmp_path / "out" / link).stat().st_size > 1000
    lengths = {
        name: soundfile.info(str(tmp_path / "out" / name)).frames
        for name in links
        if name.endswith(".wav")
    }
    assert lengths.pop("speed_0.9.wav") > 11200 > lengths.pop("speed_1.1.wav")
    assert set(lengths.values()) == {11200}  # 0.7 s
    assert (tmp_path / "out/mine.txt").read_text() == "kept"


def test_without_noise_the_rest_is_shown(
    tmp_path: Path,
    cuts: CutSet,  # noqa: F811
    capsys: pytest.CaptureFixture[str],
) -> None:
    prepare(tmp_path, cuts)
    assert gallery(tmp_path) == 0
    said = capsys.readouterr().out
    assert "noise is not shown: " in said and "no such folder" in said
    page = (tmp_path / "out/index.html").read_text()
    assert 'src="reverb.wav"' in page and 'src="noise.wav"' not in page


def test_wrong_use_is_one_clear_line(
    tmp_path: Path,
    cuts: CutSet,  # noqa: F811
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert gallery(tmp_path) == 1
    assert "run stages 1" in capsys.readouterr().err
    prepare(tmp_path, cuts)
    assert gallery(tmp_path, "--utt", "a-22") == 2
    said = capsys.readouterr().err
    assert "the nearest id is a-2" in said and said.count("\n") == 1


def test_stage_2_checks_the_folder_first(tmp_path: Path) -> None:
    with pytest.raises(
        RecipeError, match="fbank.augment.noise.folder: .*no such folder"
    ):
        fbank.wave_augment(job(tmp_path))
    (tmp_path / "noise").mkdir()
    with pytest.raises(RecipeError, match="no audio in it"):
        fbank.wave_augment(job(tmp_path))
    write_sound(tmp_path / "noise/a.wav")
    made = fbank.wave_augment(job(tmp_path))
    assert made is not None and made.noises == (tmp_path / "noise/a.wav",)
    assert fbank.wave_augment(job(tmp_path, "")) is None


def test_stage_2_is_done_again_for_other_noise(tmp_path: Path) -> None:
    write_sound(tmp_path / "noise/a.wav")
    one = augment_sounds(job(tmp_path))
    write_sound(tmp_path / "noise/b.wav")
    assert augment_sounds(job(tmp_path)) != one
    assert augment_sounds(job(tmp_path, "")) == {}


def test_tokenizer_and_lm_do_not_read_the_copies(tmp_path: Path) -> None:
    """Their text is stage 1's, where there are neither speeds nor copies."""
    work = job(tmp_path)
    for stage in STAGES:
        if stage.name in ("tokenizer", "lm"):
            read = stage.inputs(work)
            assert work.paths.cuts("train") in read
            assert work.paths.feature_cuts("train") not in read
