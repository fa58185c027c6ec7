"""One-best decoding in the HLG graph with kaldi-decoder, on the CPU.

``FasterDecoder`` is Kaldi's token passing (Povey et al., "The Kaldi speech recognition
toolkit", ASRU 2011), and several times faster than k2 on a CPU. kaldi-decoder and
kaldifst are imported here only.
"""

import tempfile
from dataclasses import dataclass
from pathlib import Path

import kaldi_decoder
import kaldifst
import numpy as np

from asr.decode.hypothesis import Hypothesis, no_path
from asr.decode.log_probs import LogProbs
from asr.errors import RecipeError
from asr.fsa.graph import load_graph, write_openfst
from asr.fsa.lexicon import read_words

WIDER = (2.0, 4)  # second try of an utterance without any path: beam, max_active
# With no LM at all its best path would be any of many equal ones; this little of it
# decides between them.
LEAST_SCALE = 1e-4


@dataclass(frozen=True)
class KaldiHlg:
    """The graph in OpenFst's form, and its words by their ids."""

    graph: kaldifst.StdConstFst
    words: list[str]


def load_kaldi_hlg(lang_dir: Path) -> KaldiHlg:
    """Read ``HLG.pt`` and ``words.txt``."""
    words = read_words(lang_dir / "words.txt")
    with tempfile.TemporaryDirectory(prefix="hlg-") as folder:
        path = Path(folder) / "HLG.fst"
        write_openfst(load_graph(lang_dir / "HLG.pt"), path)
        graph = kaldifst.StdConstFst.read(str(path))
    if graph is None:
        raise RecipeError(f"{lang_dir / 'HLG.pt'} is damaged: redo the graph stage (5)")
    return KaldiHlg(graph, words)


class KaldiDecoder:
    """Decodes utterances one by one; several decoders may share one graph.

    Args:
        hlg: graph and words (``load_kaldi_hlg``).
        hlg_scale: factor of the LM's ln probabilities (all scores in HLG).
        search_beam: paths this far below the frame's best are dropped (ln).
        min_active, max_active: states kept per frame, whatever the beam says.

    The graph is not scaled: the log-probs are divided by ``hlg_scale``, and so are
    the beams, which finds the same path.
    """

    def __init__(
        self,
        hlg: KaldiHlg,
        *,
        hlg_scale: float = 1.0,
        search_beam: float = 15.0,
        min_active: int = 30,
        max_active: int = 3000,
    ) -> None:
        self._hlg = hlg  # the searches do not keep it alive themselves
        self._words, self._scale = hlg.words, hlg_scale
        self._divisor = max(hlg_scale, LEAST_SCALE)
        tries = [(search_beam, max_active)]
        tries.append((search_beam * WIDER[0], max_active * WIDER[1]))
        self._searches = [
            kaldi_decoder.FasterDecoder(
                hlg.graph,
                kaldi_decoder.FasterDecoderOptions(
                    beam=beam / self._divisor,
                    beam_delta=0.5 / self._divisor,
                    min_active=min_active,
                    max_active=active,
                ),
            )
            for beam, active in tries
        ]

    def __call__(self, log_probs: LogProbs) -> list[Hypothesis]:
        """The best word sequence.

        Args:
            log_probs: (T, V), natural log; T may be 0.

        An utterance without any path is searched again with wider beams and marked;
        if that finds nothing either, its hypothesis is empty and marked as failed.
        """
        if not len(log_probs):
            return [Hypothesis("", (), 0.0, 0.0, 0.0)]
        scaled = np.divide(log_probs, self._divisor, dtype=np.float32)
        for attempt, search in enumerate(self._searches):
            search.decode(kaldi_decoder.DecodableCtc(scaled))
            if search.reached_final():
                found, path = search.get_best_path()
                if found:
                    return [self._hypothesis(path, second_try=attempt > 0)]
        return [no_path(second_try=True)]

    def _hypothesis(self, path: kaldifst.Lattice, second_try: bool) -> Hypothesis:
        _, _, ids, weight = kaldifst.get_linear_symbol_sequence(path)
        am_score, lm_score = -weight.value2 * self._divisor, -weight.value1
        return Hypothesis(
            " ".join(self._words[i] for i in ids),
            (),
            am_score + self._scale * lm_score,
            am_score,
            lm_score,
            second_try=second_try,
        )
