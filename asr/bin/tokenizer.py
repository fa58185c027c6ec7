"""Stage 3: units, learned from the train transcripts or from a dictionary."""

from collections.abc import Sequence

from asr.errors import UsageError
from asr.job import Job
from asr.stage_files import find_lexicon
from asr.text.phones import PhoneTokenizer
from asr.text.tokenizer import UNK_ID, Tokenizer
from asr.text.transcripts import read_transcripts
from asr.text.units import Units


def run(job: Job) -> None:
    """Write ``tokens.txt`` and what cuts words into them into the unit's lang folder."""
    settings = job.config.tokenizer
    if settings.lexicon and settings.kind != "phone":
        raise UsageError(
            f"tokenizer.lexicon is for tokenizer.kind=phone, not {settings.kind}"
        )
    texts = list(read_transcripts(job.paths.cuts("train")).values())
    units = train_units(job, texts)
    encoded = [units.encode(text) for text in texts]
    length, words = sum(map(len, encoded)), sum(len(text.split()) for text in texts)
    unknown = sum(ids.count(UNK_ID) for ids in encoded)
    print(
        f"{job.lang}: {units.vocab_size} tokens ({settings.kind}), "
        f"{length / words:.2f} a word on train, {unknown} unknown",
        flush=True,
    )


def train_units(job: Job, texts: Sequence[str]) -> Units:
    """Units of the configured kind."""
    settings = job.config.tokenizer
    if settings.kind == "phone":
        return PhoneTokenizer.train(texts, job.lang, find_lexicon(job))
    return Tokenizer.train(texts, job.lang, settings.kind, settings.vocab_size)
