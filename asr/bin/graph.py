"""Stage 5: lexicon and decoding graphs."""

from asr.atomic import remove
from asr.fsa.lexicon import read_arpa_words, spell_words, write_lexicon
from asr.job import Job
from asr.text.tokenizer import Tokenizer


def run(job: Job) -> None:
    """Write lexicon, words and, where k2 is installed, ``L*.pt`` and ``HLG.pt``."""
    settings = job.config.lm
    arpa = job.paths.arpa(settings.order)
    tokenizer = Tokenizer.load(job.lang)
    lexicon = spell_words(read_arpa_words(arpa), tokenizer)
    write_lexicon(lexicon, tokenizer.tokens, job.lang)
    print(f"{job.lang / 'lexicon.txt'}: {len(lexicon)} words", flush=True)
    remove(job.lang / "HLG.pt")  # never an old graph beside a new lexicon
    try:
        from asr.fsa.graph import build_graphs
    except ImportError as error:
        print(
            f"k2 cannot be used here ({error}): no HLG, the hlg decoder is left out; "
            "Python 3.10 and requirements.txt give it",
            flush=True,
        )
        return
    order = min(settings.order, settings.graph_order)
    build_graphs(lexicon, tokenizer.vocab_size, arpa, order, job.lang)
