"""Folders with a finished model: checked, chosen, fetched."""

import dataclasses
import functools
import gzip
import hashlib
import http.server
import shutil
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from asr import model_dir
from asr.__main__ import main
from asr.bin.install_model import copy_lang
from asr.errors import RecipeError
from asr.model_dir import (
    BUNDLED,
    FORMAT,
    Manifest,
    check_files,
    choose_model_dir,
    read_manifest,
    sha256_of,
)
from asr.models.weights_file import load_weights, save_weights
from asr.options import build_parser, make_job


def make_model(folder: Path, **changes: object) -> Path:
    (folder / "lang").mkdir(parents=True)
    (folder / "lang" / "tokens.txt").write_text("<blk> 0\n")
    path = folder / "lang" / "tokens.txt"
    files = {"lang/tokens.txt": (path.stat().st_size, sha256_of(path))}
    manifest = Manifest(FORMAT, "toy", "abc", {}, {}, 0, ("greedy",), files)
    manifest = dataclasses.replace(manifest, **changes)
    (folder / "manifest.json").write_text(manifest.dumps())
    return folder


def test_what_is_written_is_read(tmp_path: Path) -> None:
    folder = make_model(tmp_path / "m")
    manifest = read_manifest(folder)
    assert manifest.decoders == ("greedy",) and manifest.name == "toy"
    check_files(folder, manifest)


def test_every_damage_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="not a model folder"):
        read_manifest(tmp_path)
    with pytest.raises(RecipeError, match="update the recipe"):
        read_manifest(make_model(tmp_path / "later", format=FORMAT + 1))
    folder = make_model(tmp_path / "m")
    manifest = read_manifest(folder)
    (folder / "lang" / "tokens.txt").write_text("<blk> 1\n")
    with pytest.raises(RecipeError, match="SHA-256 differs"):
        check_files(folder, manifest)
    (folder / "lang" / "tokens.txt").unlink()
    with pytest.raises(RecipeError, match="missing"):
        check_files(folder, manifest)
    for content in ("{", "[]", "{}", '{"format": 1}'):
        (folder / "manifest.json").write_text(content)
        with pytest.raises(RecipeError, match="damaged"):
            read_manifest(folder)


def test_files_outside_the_folder_are_refused(tmp_path: Path) -> None:
    folder = make_model(tmp_path / "m", files={"../secret": (0, "")})
    with pytest.raises(RecipeError, match="refused"):
        check_files(folder, read_manifest(folder))


def test_the_configuration_is_compared_at_once(tmp_path: Path) -> None:
    folder = tmp_path / "m"
    folder.mkdir()
    config = folder / "config.yaml"
    config.write_text("model: {name: tdnnf}\n")
    facts = (config.stat().st_size, sha256_of(config))
    make_model(folder, files={"config.yaml": facts})
    assert read_manifest(folder).files == {"config.yaml": facts}
    config.write_text("model: {name: tdnng}\n")
    with pytest.raises(RecipeError, match=r"config.yaml: not the file .*SHA-256"):
        read_manifest(folder)
    config.unlink()
    with pytest.raises(RecipeError, match="config.yaml: missing; fetch or export"):
        read_manifest(folder)


@pytest.mark.parametrize("name", ["../x", "/x", "..", ".", "", "a/b"])
def test_a_name_that_leads_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    assert read_manifest(make_model(tmp_path / "good", name="my corpus-tdnnf"))
    with pytest.raises(RecipeError, match="names the model .*refused"):
        read_manifest(make_model(tmp_path / "m", name=name))


@pytest.mark.parametrize(
    ("named", "taken"),
    [(("beyond", "hlg", "greedy"), ("greedy", "hlg")), (("beyond",), ())],
)
def test_decoders_of_a_later_version_are_left_out(
    tmp_path: Path, named: tuple[str, ...], taken: tuple[str, ...]
) -> None:
    """And for hot words one comes to them that listens."""
    folder = tmp_path / "m"
    folder.mkdir()
    shutil.copy(BUNDLED / "config.yaml", folder)
    manifest = dataclasses.replace(read_manifest(BUNDLED), decoders=named)
    (folder / "manifest.json").write_text(manifest.dumps())
    words = ["decode", "--test-dir", str(tmp_path), "--model-dir", str(folder)]
    words += ["--exp-dir", str(tmp_path / "exp")]
    assert make_job(build_parser().parse_args(words), 8).decoders == taken
    (tmp_path / "names").write_text("Ann\u2019s 3\n")
    words += ["--hotwords", str(tmp_path / "names")]
    job = make_job(build_parser().parse_args(words), 8)
    assert job.hotwords == {"ANN'S": 3.0}  # by the model's own rule
    assert job.decoders == (("greedy", "beam-lm", "hlg") if taken else ())
    words += ["--decoders", "hlg"]
    assert make_job(build_parser().parse_args(words), 8).decoders == ("hlg",)


def test_of_the_tokenizer_only_known_files_are_taken(tmp_path: Path) -> None:
    source = tmp_path / "lang"
    source.mkdir()
    for name in ("tokens.txt", "HLG.pt", "G.pt", "words.txt"):
        (source / name).write_text(name)
    with gzip.open(source / "pronunciations.txt.gz", "wt") as file:
        file.write("A AH\n")
    copy_lang(source, tmp_path / "copy")
    copied = {p.name: p.read_text() for p in (tmp_path / "copy").iterdir()}
    assert copied == {"tokens.txt": "tokens.txt", "pronunciations.txt": "A AH\n"}


def test_which_model_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    exp, bundled = tmp_path / "exp", tmp_path / "bundled"
    monkeypatch.setattr(model_dir, "BUNDLED", bundled)
    with pytest.raises(RecipeError, match=r"utils/fetch_model.sh URL") as caught:
        choose_model_dir(None, exp)
    assert "\n" not in str(caught.value)
    make_model(bundled)
    assert choose_model_dir(None, exp) == bundled
    (exp / "checkpoints").mkdir(parents=True)
    assert choose_model_dir(None, exp) is None
    assert choose_model_dir(tmp_path, exp) == tmp_path


def test_weights_keep_half_precision_and_whole_numbers(tmp_path: Path) -> None:
    torch.manual_seed(0)
    weights = {"a.b": torch.randn(5, 7), "n": torch.tensor(3), "c": torch.zeros(0)}
    save_weights(weights, tmp_path / "w.npz")
    found = load_weights(tmp_path / "w.npz")
    assert list(found) == list(weights)
    assert (found["a.b"] == weights["a.b"].half().float()).all()
    assert found["n"] == 3 and found["n"].dtype == torch.int64
    content = (tmp_path / "w.npz").read_bytes()
    save_weights(weights, tmp_path / "w.npz")
    assert (tmp_path / "w.npz").read_bytes() == content
    with pytest.raises(RecipeError, match="big: do not fit"):
        save_weights({"big": torch.tensor(1e6)}, tmp_path / "v.npz")


def test_weights_never_unpickle(tmp_path: Path) -> None:
    class Code:
        def __reduce__(self) -> object:
            return (Path.touch, (tmp_path / "ran",))

    np.savez(tmp_path / "w.npz", a=np.array([Code()], dtype=object))
    with pytest.raises(RecipeError, match="not a file of weights"):
        load_weights(tmp_path / "w.npz")
    assert not (tmp_path / "ran").exists()
    (tmp_path / "w.npz").write_bytes(b"PK\x03\x04 nothing")
    with pytest.raises(RecipeError, match="not a file of weights"):
        load_weights(tmp_path / "w.npz")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """Serves ``tmp_path/www`` on this machine."""
    (tmp_path / "www").mkdir()
    handler = functools.partial(Quiet, directory=str(tmp_path / "www"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments: object) -> None:
        pass


def archive(folder: Path, target: Path, inside: str) -> str:
    with tarfile.open(target, "w:gz") as tar:
        tar.add(folder, arcname=inside)
    digest = hashlib.sha256(target.read_bytes()).hexdigest()
    target.with_name(f"{target.name}.sha256").write_text(f"{digest}  {target.name}\n")
    return digest


@pytest.mark.parametrize("inside", [".", "toy model"])
def test_fetched_with_the_checksum_beside_it(
    server: str, tmp_path: Path, inside: str, capsys: pytest.CaptureFixture[str]
) -> None:
    archive(make_model(tmp_path / "m"), tmp_path / "www" / "toy.tar.gz", inside)
    target = tmp_path / "models" / "toy"
    command = ["fetch_model", f"{server}/toy.tar.gz", str(target)]
    assert main(command) == 0
    assert f"--model-dir {target}" in capsys.readouterr().out
    check_files(target, read_manifest(target))
    assert sorted(p.name for p in target.iterdir()) == ["lang", "manifest.json"]
    assert [p.name for p in target.parent.iterdir()] == ["toy"]
    (tmp_path / "www" / "toy.tar.gz").unlink()
    assert main(command) == 0
    assert "already there" in capsys.readouterr().out


def test_fetched_with_another_checksum(
    server: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sha = archive(make_model(tmp_path / "m"), tmp_path / "www" / "toy.tar.gz", ".")
    url, target = f"{server}/toy.tar.gz", str(tmp_path / "models" / "toy")
    (tmp_path / "www" / "toy.tar.gz.sha256").unlink()
    for options, code, words in (
        ([], 1, "give it with --sha256 HEX"),
        (["--sha256", "12"], 2, "64 hexadecimal digits"),
        (["--sha256", "0" * 64], 1, f"got {sha}"),
    ):
        assert main(["fetch_model", url, target, *options]) == code
        assert words in capsys.readouterr().err
        assert not Path(target).exists()
    assert main(["fetch_model", url, target, "--sha256", sha]) == 0


def test_fetched_and_no_model(
    server: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "file").touch()
    archive(tmp_path / "m", tmp_path / "www" / "x.tgz", ".")
    assert main(["fetch_model", f"{server}/x.tgz", str(tmp_path / "y")]) == 1
    assert "not the archive of a model" in capsys.readouterr().err
    assert main(["fetch_model", f"{server}/model", str(tmp_path / "y")]) == 2
    assert main(["fetch_model", f"{server}/x.tgz", str(tmp_path / "m")]) == 2
    assert not (tmp_path / "y").exists()
