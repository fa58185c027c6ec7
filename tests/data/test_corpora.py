"""The corpora of egs/, on small copies of their layout, and stages 0 to 2 as run."""

import hashlib
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import pytest

from asr.__main__ import main
from asr.atomic import remove
from asr.config_load import ROOT, load_config
from asr.data.corpus import load_hook
from asr.data.jsonl import read_cuts
from asr.data.shard_reader import ShardReader
from asr.errors import RecipeError
from tests.data.sounds import write_sound

CORPORA = ["an4", "librispeech", "mini_librispeech", "synth"]


@pytest.mark.parametrize("name", CORPORA)
@pytest.mark.parametrize("model", ["conformer", "deepspeech2"])
def test_every_corpus_has_a_valid_configuration(name: str, model: str) -> None:
    config = load_config(ROOT / "egs" / name, model, [])
    assert all(bool(a.sha256) != bool(a.md5) for a in config.corpus.archives)
    hook = load_hook(ROOT / "egs" / name)
    assert hook.manifests is not None


def an4(folder: Path) -> Path:
    """AN4's layout: ten training speakers of two utterances, two in test."""
    women, men = ["ffmm", "fnsv"], ["mcel", "meab", "mjgk", "mmsh", "msjm"]
    sets = {"train": [*women, *men, "fash", "mblb", "mcen"], "test": ["fcaw", "menk"]}
    etc = folder / "an4/etc"
    etc.mkdir(parents=True)
    for split, speakers in sets.items():
        base = "an4_clstk" if split == "train" else "an4test_clstk"
        names = [(s, f"{kind}-{s}-b") for s in speakers for kind in ("an1", "cen2")]
        for i, (speaker, name) in enumerate(names):
            write_sound(folder / f"an4/wav/{base}/{speaker}/{name}.sph", 0.6, seed=i)
        texts = ["<s> YES </s>", "ENTER FOUR"] * len(speakers)
        (etc / f"an4_{split}.fileids").write_text(
            "".join(f"{base}/{s}/{n}\n" for s, n in names)
        )
        (etc / f"an4_{split}.transcription").write_text(
            "".join(f"{t} ({n})\n" for t, (_, n) in zip(texts, names, strict=True))
        )
    return folder


def options(tmp_path: Path, verb: str) -> list[str]:
    """Of ``python -m asr VERB`` for AN4 with everything below ``tmp_path``."""
    folders = [
        "--download-dir",
        str(tmp_path / "dl"),
        "--data-dir",
        str(tmp_path / "d"),
    ]
    return [verb, "--corpus", "an4", "--nj", "1", *folders]


def content(folder: Path) -> dict[str, bytes]:
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    return {str(p.relative_to(folder)): p.read_bytes() for p in files}


def test_an4_splits(tmp_path: Path) -> None:
    settings = load_config(ROOT / "egs/an4", "conformer", []).corpus.options
    hook = load_hook(ROOT / "egs/an4").manifests
    assert hook is not None
    found = hook(an4(tmp_path), tmp_path / "audio", settings)
    speakers = {s: {x.speaker for x in sup} for s, (_, sup) in found.items()}
    assert speakers["dev"] == {"ffmm", "fnsv", "mcel", "meab", "mjgk", "mmsh", "msjm"}
    assert speakers["train"] == {"fash", "mblb", "mcen"}
    assert speakers["test"] == {"fcaw", "menk"}
    texts = {s.id: s.text for s in found["train"][1]}
    assert texts["fash-an1"] == "YES" and texts["fash-cen2"] == "ENTER FOUR"
    assert all(str(r.sources[0].source).endswith(".flac") for r in found["train"][0])


def test_an4_stages_on_damaged_data(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    an4(tmp_path / "dl")
    wav = tmp_path / "dl/an4/wav/an4_clstk"
    (wav / "fash/an1-fash-b.sph").write_bytes(b"")
    (wav / "mblb/an1-mblb-b.sph").unlink()
    for verb in ("download", "manifests", "fbank"):
        assert main(options(tmp_path, verb)) == 0
    assert "dropped: 1 no audio, 1 unreadable audio" in capsys.readouterr().out
    dropped = (tmp_path / "d/manifests/dropped.tsv").read_text()
    assert "train\tfash-an1\tunreadable audio\t" in dropped
    assert "train\tmblb-an1\tno audio\t" in dropped
    cuts = read_cuts(tmp_path / "d/fbank/train_cuts.jsonl.gz")
    reader = ShardReader(tmp_path / "d/fbank/train_index.tsv")
    assert [cut.id for cut in cuts] == reader.ids
    assert {i.split("_sp")[0] for i in reader.ids} == {
        "fash-cen2",
        "mblb-cen2",
        "mcen-an1",
        "mcen-cen2",
    }
    assert main(options(tmp_path, "fbank")) == 0
    assert "already done" in capsys.readouterr().out


def test_stage_0_unpacks_the_user_s_archive(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    an4(tmp_path / "source")
    (tmp_path / "dl").mkdir()
    archive = tmp_path / "dl/an4_sphere.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(tmp_path / "source/an4", "an4")
    assert main(options(tmp_path, "download")) == 1
    got = hashlib.sha256(archive.read_bytes()).hexdigest()
    error = capsys.readouterr().err
    assert f"expected, got {got}; delete" in error and error.count("\n") == 1
    assert not (tmp_path / "dl/an4").exists()
    entry = (
        "corpus.archives=[{file: an4_sphere.tar.gz, url: 'http://localhost/x', "
        f"sha256: {got}, unpacked: an4}}]"
    )
    right = [*options(tmp_path, "download"), "--set", f'"{entry}"']
    assert main(right) == 0
    assert (tmp_path / "dl/an4/etc/an4_test.fileids").exists()


def test_stage_1_killed_and_repeated(tmp_path: Path) -> None:
    an4(tmp_path / "dl")
    assert main(options(tmp_path, "download")) == 0
    assert main(options(tmp_path, "manifests")) == 0
    undisturbed = content(tmp_path / "d")
    for name in ("audio", "manifests", ".done/1-manifests.json"):
        remove(tmp_path / "d" / name)
    process = subprocess.Popen(
        [sys.executable, "-m", "asr", *options(tmp_path, "manifests")], cwd=ROOT
    )
    try:
        deadline = time.monotonic() + 60
        while len(list((tmp_path / "d").rglob("*.flac"))) < 5:
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.002)
    finally:
        process.kill()
        process.wait()
    assert not (tmp_path / "d/.done/1-manifests.json").exists()
    assert main(options(tmp_path, "manifests")) == 0
    assert content(tmp_path / "d") == undisturbed


def test_an4_repaired_audio_is_converted_again(tmp_path: Path) -> None:
    an4(tmp_path)
    hook = load_hook(ROOT / "egs/an4").manifests
    assert hook is not None
    sphere = tmp_path / "an4/wav/an4test_clstk/menk/an1-menk-b.sph"
    whole = sphere.read_bytes()
    sphere.write_bytes(whole[:8000])
    seconds = []
    for content_ in (whole, whole):
        found = hook(tmp_path, tmp_path / "audio", {"dev_speakers": ["mcel"]})
        seconds.append(found["test"][0]["menk-an1"].duration)
        sphere.write_bytes(content_)
    assert seconds[0] < seconds[1] == 0.6


def test_an4_transcription_that_is_none(tmp_path: Path) -> None:
    an4(tmp_path)
    path = tmp_path / "an4/etc/an4_test.transcription"
    path.write_text(path.read_text() + "no name here\n")
    hook = load_hook(ROOT / "egs/an4").manifests
    assert hook is not None
    with pytest.raises(RecipeError, match="an4_test.transcription, line 5: not 'WORDS"):
        hook(tmp_path, tmp_path / "audio", {"dev_speakers": ["mcel"]})


def librispeech(part: Path) -> Path:
    """Two chapters; one file is missing, one is damaged, one has no transcript."""
    for speaker, chapter in (("19", "198"), ("26", "495")):
        folder = part / speaker / chapter
        ids = [f"{speaker}-{chapter}-000{i}" for i in range(3)]
        for i, id_ in enumerate(ids):
            write_sound(folder / f"{id_}.flac", 0.5, seed=i)
        lines = [f"{id_} SOME WORDS" for id_ in ids]
        (folder / f"{speaker}-{chapter}.trans.txt").write_text("\n".join(lines) + "\n")
    (part / "19/198/19-198-0001.flac").unlink()
    (part / "19/198/19-198-0002.flac").write_bytes(b"no flac")
    write_sound(part / "26/495/26-495-0009.flac", 0.5)
    return part


def test_librispeech(tmp_path: Path) -> None:
    librispeech(tmp_path / "LibriSpeech/train-clean-5")
    hook = load_hook(ROOT / "egs/mini_librispeech").manifests
    assert hook is not None
    found = hook(tmp_path, tmp_path, {"parts": {"train": ["train-clean-5"]}})
    recordings, supervisions = found["train"]
    assert {s.speaker for s in supervisions} == {"19", "26"}
    assert len(supervisions) == 6
    ids = {r.id for r in recordings}
    assert {s.id for s in supervisions} - ids == {"19-198-0001", "19-198-0002"}
    assert ids - {s.id for s in supervisions} == {"26-495-0009"}
    with pytest.raises(RecipeError, match="dev-clean-2: no such folder"):
        hook(tmp_path, tmp_path, {"parts": {"dev": ["dev-clean-2"]}})


def test_librispeech_halved(tmp_path: Path) -> None:
    """By speaker, in the order of their numbers; the damaged and missing stay known."""
    part = librispeech(tmp_path / "LibriSpeech/dev-clean")
    write_sound(part / "100/1/100-1-0000.flac", 0.5)
    (part / "100/1/100-1.trans.txt").write_text("100-1-0000 A\n")
    hook = load_hook(ROOT / "egs/mini_librispeech").manifests
    assert hook is not None
    parts = {"parts": {"dev": ["dev-clean"]}}

    found = hook(tmp_path, tmp_path, parts | {"halved": {"dev": "test"}})

    speakers = {name: {s.speaker for s in sups} for name, (_, sups) in found.items()}
    assert speakers == {"dev": {"19", "26"}, "test": {"100"}}
    assert [len(recordings) for recordings, _ in found.values()] == [5, 1]
    assert [len(supervisions) for _, supervisions in found.values()] == [6, 1]


@pytest.mark.parametrize(
    ("halved", "message"),
    [
        ({"train": "test"}, "the first must be one of dev"),
        ({"dev": "dev"}, "the second a new one"),
        ("dev", "split: new split"),
    ],
)
def test_librispeech_halved_wrongly(
    tmp_path: Path, halved: object, message: str
) -> None:
    librispeech(tmp_path / "LibriSpeech/dev-clean")
    hook = load_hook(ROOT / "egs/mini_librispeech").manifests
    assert hook is not None
    with pytest.raises(RecipeError, match=message):
        hook(tmp_path, tmp_path, {"parts": {"dev": ["dev-clean"]}, "halved": halved})


def test_librispeech_of_one_speaker_cannot_be_halved(tmp_path: Path) -> None:
    part = tmp_path / "LibriSpeech/dev-clean"
    write_sound(part / "100/1/100-1-0000.flac", 0.5)
    (part / "100/1/100-1.trans.txt").write_text("100-1-0000 A\n")
    hook = load_hook(ROOT / "egs/mini_librispeech").manifests
    assert hook is not None
    options = {"parts": {"dev": ["dev-clean"]}, "halved": {"dev": "test"}}
    with pytest.raises(RecipeError, match=r"halved: 1 speaker\(s\)"):
        hook(tmp_path, tmp_path, options)


def test_librispeech_part_that_nobody_knows(tmp_path: Path) -> None:
    hook = load_hook(ROOT / "egs/mini_librispeech").download
    assert hook is not None
    settings = {"parts": {"train": ["x"]}, "url": "http://localhost", "md5": {"y": "0"}}
    with pytest.raises(RecipeError, match="does not know x; known are y"):
        hook(tmp_path, settings, 1)
    (tmp_path / "LibriSpeech/x").mkdir(parents=True)
    hook(tmp_path, settings, 1)


def test_hook_without_functions(tmp_path: Path) -> None:
    assert load_hook(tmp_path).manifests is None
    (tmp_path / "prepare.py").write_text("x = 1\n")
    assert load_hook(tmp_path).download is None
