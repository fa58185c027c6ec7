"""The tokenizer's part of an exported model."""

import contextlib
import gzip
import shutil
from collections.abc import Iterator
from pathlib import Path

from asr.atomic import atomic_path
from asr.fsa.lexicon import read_arpa_words, spell_words
from asr.job import LANG_FILES, Job
from asr.text.phones import PRONUNCIATIONS
from asr.text.pronunciations import write_dictionary
from asr.text.units import has_phones, load_units


def write_lang(job: Job, lang: Path, lm: Path | None) -> None:
    """What stage 3 wrote; of a dictionary only the n-gram's words.

    What guesses pronunciations stays behind: it is larger than many a model.

    Args:
        lang: the folder to make.
        lm: an ARPA file instead of the one that stage 4 made.
    """
    lang.mkdir()
    shutil.copyfile(job.lang / "tokens.txt", lang / "tokens.txt")
    if not has_phones(job.lang):
        for name in LANG_FILES[job.config.tokenizer.kind]:
            shutil.copyfile(job.lang / name, lang / name)
        return
    units = load_units(job.lang)
    words = read_arpa_words(lm or job.paths.arpa(job.config.lm.order))
    dictionary = {
        word: [tuple(units.tokens[i] for i in spelling) for spelling in spellings]
        for word, spellings in spell_words(words, units).items()
    }
    plain = lang / PRONUNCIATIONS
    write_dictionary(dictionary, plain)
    compress(plain, lang / f"{PRONUNCIATIONS}.gz")
    plain.unlink()


def compress(source: Path, target: Path) -> None:
    """Gzip a file, atomically, without its name and time."""
    with open(source, "rb") as plain, gzipped(target) as file:
        shutil.copyfileobj(plain, file, 1 << 20)


@contextlib.contextmanager
def gzipped(target: Path) -> Iterator[gzip.GzipFile]:
    """A file to write what ``target`` is to hold; the same content, the same bytes."""
    with (
        atomic_path(target) as partial,
        open(partial, "wb") as raw,
        gzip.GzipFile("", "wb", compresslevel=9, fileobj=raw, mtime=0) as file,
    ):
        yield file
