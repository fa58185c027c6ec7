"""Stage 3: train the tokenizer on the train transcripts."""

from asr.job import Job
from asr.text.tokenizer import Tokenizer
from asr.text.transcripts import read_transcripts


def run(job: Job) -> None:
    """Write ``sp.model`` and ``tokens.txt`` into the unit's lang folder."""
    settings = job.config.tokenizer
    texts = read_transcripts(job.paths.cuts("train")).values()
    tokenizer = Tokenizer.train(texts, job.lang, settings.kind, settings.vocab_size)
    length = sum(len(tokenizer.encode(text)) for text in texts)
    words = sum(len(text.split()) for text in texts)
    print(
        f"{job.lang}: {tokenizer.vocab_size} tokens ({settings.kind}), "
        f"{length / words:.2f} a word on train",
        flush=True,
    )
