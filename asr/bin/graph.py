"""Stage 5: lexicon and decoding graphs."""

import os

from asr.atomic import atomic_path, remove
from asr.fsa.graph import build_graphs, build_rescoring_grammar
from asr.fsa.lexicon import read_arpa_words, spell_words, write_lexicon
from asr.job import Job
from asr.text.units import load_units

LARGER = ("larger.bin", "larger.arpa")


def run(job: Job) -> None:
    """Write lexicon, words, ``L*.pt`` and ``HLG.pt``.

    For rescoring lattices, also ``G.pt`` and a link to the n-gram that it is made of.
    """
    settings = job.config.lm
    arpa = job.paths.arpa(settings.order)
    tokenizer = load_units(job.lang)
    lexicon = spell_words(read_arpa_words(arpa), tokenizer)
    for name in ("HLG.pt", "G.pt", *LARGER):
        remove(job.lang / name)  # never an old graph beside a new lexicon
    write_lexicon(lexicon, tokenizer.tokens, job.lang)
    print(f"{job.lang / 'lexicon.txt'}: {len(lexicon)} words", flush=True)
    order = min(settings.order, settings.graph_order)
    build_graphs(lexicon, tokenizer.vocab_size, arpa, order, job.lang)
    if settings.rescore_order:
        larger = job.paths.arpa(settings.rescore_order)
        build_rescoring_grammar(lexicon, larger, settings.rescore_order, job.lang)
        binary = job.paths.lm_binary(settings.rescore_order)
        target = binary if binary.exists() else larger
        with atomic_path(job.lang / f"larger{target.suffix}") as partial:
            # Relative, so that the folder can be moved.
            partial.symlink_to(os.path.relpath(target, job.lang))
