"""What a beam search asks a language model."""

from typing import Any, Protocol


class WordModel(Protocol):
    """What the search needs of a language model (``asr.lm.ngram.NgramLm``)."""

    def begin(self) -> Any: ...

    def score(self, state: Any, word: str) -> tuple[float, Any]: ...

    def end(self, state: Any) -> float: ...

    def __contains__(self, word: str) -> bool: ...

    def words(self) -> frozenset[str] | None: ...
