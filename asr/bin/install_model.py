"""A model folder, checked and put where the stages look for a model.

Half precision becomes single, the n-gram KenLM's binary form where its programs are,
and the decoding graph is made when a decoder asks for it.
"""

import gzip
import shutil
from pathlib import Path

from asr.atomic import atomic_path, write_text
from asr.decode.methods import REGISTRY
from asr.errors import RecipeError
from asr.fsa.graph import build_graphs
from asr.fsa.lexicon import read_arpa_words, spell_words, write_lexicon
from asr.job import DECODERS, LANG_FILES, Job
from asr.lm.train_ngram import build_binary, find_tool
from asr.model_dir import MANIFEST, Manifest, check_files, read_manifest, sha256_of
from asr.models.create import create_model
from asr.models.package import save_package
from asr.models.weights_file import load_weights
from asr.text.units import load_units

INSTALLED = "installed"  # file with the SHA-256 of the manifest


def install(job: Job) -> None:
    """Install ``job.model_dir`` unless it is, and the graph if a decoder needs it.

    Raises:
        RecipeError: the folder is damaged, or of a later version.
    """
    assert job.model_dir is not None and job.paths.model is not None
    source, target = job.model_dir, job.paths.model
    digest = sha256_of(source / MANIFEST)
    note = target / INSTALLED
    if not (note.is_file() and note.read_text().strip() == digest):
        manifest = read_manifest(source)
        check_files(source, manifest)
        with atomic_path(target) as partial:
            partial.mkdir(parents=True)
            unit = job.lang.name
            _install(source, manifest, partial, unit)
            write_text(partial / INSTALLED, f"{digest}\n")
        print(f"{target}: model of {source}, checked and installed", flush=True)
    wanted = job.decoders or DECODERS
    if any(REGISTRY[name].needs_graph for name in wanted):
        _build_graph(job)


def _install(source: Path, manifest: Manifest, target: Path, unit: str) -> None:
    lang = target / unit
    copy_lang(source / "lang", lang)
    tokens = load_units(lang).tokens
    shutil.copyfile(source / "decode.yaml", target / "decode.yaml")
    weights = load_weights(source / "weights.npz")
    about = manifest.model
    try:
        model = create_model(
            about["name"], about["num_features"], len(tokens), about["options"]
        )
        model.load_state_dict(weights)
    except (KeyError, TypeError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise RecipeError(
            f"{source}: not a model of this version ({reason})"
        ) from error
    save_package(
        target / "averaged.pt",
        weights,
        name=about["name"],
        options=about["options"],
        num_features=about["num_features"],
        tokens=tokens,
        epochs=about["epochs"],
    )
    if manifest.lm_order:
        _install_lm(source, target / "lm", lang, manifest.lm_order)


def copy_lang(source: Path, target: Path) -> None:
    """Copy the tokenizer's files into a new folder, unpacked.

    Of what else may lie there nothing is taken: a graph is made here, not fetched.
    """
    target.mkdir()
    for name in ("tokens.txt", *(n for names in LANG_FILES.values() for n in names)):
        if (source / f"{name}.gz").is_file():
            _unpack(source / f"{name}.gz", target / name)
        elif (source / name).is_file():
            shutil.copyfile(source / name, target / name)


def _install_lm(source: Path, folder: Path, lang: Path, order: int) -> None:
    """The n-gram as ARPA and for KenLM, and the spellings of its words."""
    arpa = folder / f"{order}gram.arpa"
    _unpack(source / "lm" / f"{order}gram.arpa.gz", arpa)
    program = find_tool("build_binary")
    if program is not None:
        build_binary(program, arpa, folder / f"{order}gram.bin", "probing")
    tokenizer = load_units(lang)
    lexicon = spell_words(read_arpa_words(arpa), tokenizer)
    write_lexicon(lexicon, tokenizer.tokens, lang)


def _unpack(packed: Path, target: Path) -> None:
    """Gunzip a file, atomically."""
    with atomic_path(target) as partial, open(partial, "wb") as file:
        with gzip.open(packed, "rb") as content:
            shutil.copyfileobj(content, file, 1 << 20)


def _build_graph(job: Job) -> None:
    """HLG of the model's n-gram, once; a machine without room for it goes without."""
    arpa = job.paths.arpa(job.config.lm.order)
    if (job.lang / "HLG.pt").is_file() or not arpa.is_file():
        return
    tokenizer = load_units(job.lang)
    lexicon = spell_words(read_arpa_words(arpa), tokenizer)
    order = min(job.config.lm.order, job.config.lm.graph_order)
    try:
        build_graphs(lexicon, tokenizer.vocab_size, arpa, order, job.lang)
    except RecipeError as error:
        print(f"no decoding graph: {error}", flush=True)
