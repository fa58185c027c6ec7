"""Stage 0: the corpus's archives, or what its own hook makes."""

from asr.config import Archive
from asr.data.corpus import load_hook
from asr.data.download import Source, provide
from asr.errors import RecipeError
from asr.job import Job


def run(job: Job) -> None:
    """Bring every archive of the corpus into --download-dir, unpacked."""
    folder, corpus = job.paths.download, job.config.corpus
    folder.mkdir(parents=True, exist_ok=True)
    for archive in corpus.archives:
        provide(folder, _source(archive))
    hook = load_hook(job.corpus_dir)
    if hook.download is not None:
        hook.download(folder, corpus.options, job.nj)


def _source(archive: Archive) -> Source:
    algorithm = "sha256" if archive.sha256 else "md5"
    checksum = archive.sha256 or archive.md5
    if not checksum:
        raise RecipeError(
            f"corpus.archives: {archive.file} has neither sha256 nor md5; give one"
        )
    return Source(archive.file, archive.url, archive.unpacked, algorithm, checksum)
