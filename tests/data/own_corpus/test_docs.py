"""The example of docs/own_corpus.md is executed as it stands there."""

import re
import tarfile
from pathlib import Path

import pytest

from asr.config_load import ROOT, load_config
from asr.data.corpus import load_hook
from asr.data.download import Source, provide
from asr.data.manifest import prepare_split
from asr.errors import RecipeError
from asr.text.normalize import get_rule
from tests.data.sounds import write_sound

PAGE = (ROOT / "docs/own_corpus.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    (found,) = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    return found


def test_the_example_of_a_corpus(tmp_path: Path) -> None:
    folder = tmp_path / "egs/yesno"
    folder.mkdir(parents=True)
    (folder / "corpus.yaml").write_text(block("yaml"), encoding="utf-8")
    (folder / "prepare.py").write_text(block("python"), encoding="utf-8")
    config = load_config(folder, "conformer", [])
    corpus = tmp_path / "made/yesno"
    rows = {"train": ["john", "mary", "ann"], "test": ["eve"]}
    for split, speakers in rows.items():
        lines = [f"{s}/1.wav\t{s}\tYes, no." for s in speakers]
        for speaker in speakers:
            write_sound(corpus / f"{speaker}/1.wav", 0.5)
        (corpus / f"{split}.tsv").write_text("\n".join(lines) + "\n")
    with tarfile.open(tmp_path / "yesno.tar.gz", "w:gz") as tar:
        tar.add(corpus, "yesno")
    (archive,) = config.corpus.archives
    assert len(archive.sha256) == 64
    source = Source(
        archive.file, archive.url, archive.unpacked, "sha256", archive.sha256
    )
    with pytest.raises(RecipeError, match=f"sha256 {archive.sha256} expected, got"):
        provide(tmp_path, source)
    hook = load_hook(folder).manifests
    assert hook is not None
    found = hook(tmp_path / "made", tmp_path / "work", config.corpus.options)
    assert found.keys() == {"train", "dev", *config.corpus.test_sets}
    rule = get_rule(config.corpus.normalize)
    made = {name: prepare_split(name, *found[name], rule) for name in found}
    texts = {n: {s.id: s.text for s in made[n].supervisions} for n in made}
    assert texts["train"] == {"john-1": "YES NO", "ann-1": "YES NO"}
    assert texts["dev"] == {"mary-1": "YES NO"}
    assert texts["test"] == {"eve-1": "YES NO"}


def test_the_page_names_files_and_keys_that_are_there() -> None:
    for name in re.findall(r"`((?:egs|asr|docs)/[\w./]+)`", PAGE):
        if "NAME" not in name:
            assert (ROOT / name).exists(), name
    for name in re.findall(r"\]\((\w+\.md)", PAGE):
        assert (ROOT / "docs" / name).exists(), name
    settings = re.findall(
        r"\b((?:model|train|fbank|tokenizer|lm|corpus)\.[\w.]+=[^\s`\"]+)", PAGE
    )
    assert len(settings) > 10
    for setting in settings:
        model = "tdnnf" if ".mmi." in setting else "conformer"
        load_config(ROOT / "egs/mycorpus", model, [setting])
