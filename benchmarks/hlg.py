"""One HLG graph, several searches: time, memory and WER in one run.

    python -m benchmarks.hlg --lang-dir data/an4/lang_char --arpa data/an4/lm/3gram.arpa \
        --exp-dir exp/an4/conformer [--tune]

kaldi-decoder "plainly" is its ``FasterDecoder`` on the graph that k2 composes and
determinizes, written in OpenFst's text form, scores scaled beforehand: how its authors'
toolkits use it. The competitors take turns, on one thread; each time is the least CPU time
of some rounds.
"""

import argparse
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import k2
import kaldi_decoder
import kaldifst
import torch
import yaml

from asr.decode.child import call_in_child, peak_rss_mb
from asr.decode.hypothesis import Hypothesis
from asr.decode.log_probs import LogProbs, Utterance, read_log_probs
from asr.decode.methods import METHODS, REGISTRY, Decoder, SearchOptions, load_method
from asr.decode.tune import DevSet, refined, tune_method
from asr.fsa.grammar import read_grammar
from asr.fsa.lexicon import read_lexicon, word_table
from asr.score.error_rate import ErrorRate, count_errors, oracle_errors
from asr.score.transcripts import read_texts
from asr.text.tokenizer import read_tokens
from tests.fsa.k2_reference import reference_hlg

Decode = Callable[[LogProbs], Hypothesis]
BEAMS = (
    (20.0, 10000),
    (15.0, 3000),
)  # search beam and max_active; recipe's: the second


def k2_graph(lang_dir: Path, arpa: Path, order: int) -> tuple[k2.Fsa, list[str]]:
    """The graph as k2's own algorithms make it, and its words."""
    tokens = read_tokens(lang_dir / "tokens.txt")
    lexicon = read_lexicon(lang_dir / "lexicon.txt", tokens)
    grammar = read_grammar(arpa, word_table(lexicon), order)
    graph = reference_hlg(lexicon, grammar, len(tokens))
    if isinstance(graph.aux_labels, torch.Tensor):
        graph.aux_labels = k2.RaggedTensor(graph.aux_labels[:, None])
    return graph, list(word_table(lexicon))


def openfst_text(graph: k2.Fsa, scale: float) -> str:
    """OpenFst's text form; an arc of several words gets states between them."""
    lines, finals = [], []
    extra = graph.shape[0]
    arcs = graph.arcs.values()[:, :3].tolist()
    words = graph.aux_labels.tolist()
    costs = (-scale * graph.scores.double()).tolist()
    for (src, dst, label), ids, cost in zip(arcs, words, costs, strict=True):
        if label == -1:
            finals.append(f"{src} {cost}")
            continue
        first, *rest = [i for i in ids if i > 0] or [0]
        states = [*range(extra, extra + len(rest)), dst]
        extra += len(rest)
        lines.append(f"{src} {states[0]} {label + 1} {first} {cost}")
        for a, b, word in zip(states, states[1:], rest, strict=False):
            lines.append(f"{a} {b} 0 {word} 0")
    return "\n".join(sorted(lines, key=lambda x: x.split()[0] != "0") + finals) + "\n"


def plain_kaldi(
    lang_dir: Path, arpa: Path, order: int, scale: float, beam: float, active: int
) -> Decode:
    """kaldi-decoder as its examples use it."""
    graph, words = k2_graph(lang_dir, arpa, order)
    fst = kaldifst.compile(openfst_text(graph, scale), acceptor=False)
    options = kaldi_decoder.FasterDecoderOptions(
        beam=beam, max_active=active, min_active=30
    )

    def decode(log_probs: LogProbs) -> Hypothesis:
        decoder = kaldi_decoder.FasterDecoder(fst, options)
        decoder.decode(kaldi_decoder.DecodableCtc(log_probs))
        found, path = decoder.get_best_path()
        if not found:
            return Hypothesis("", (), 0.0, 0.0, 0.0, failed=True)
        _, _, ids, _ = kaldifst.get_linear_symbol_sequence(path)
        return Hypothesis(" ".join(words[i] for i in ids), (), 0.0, 0.0, 0.0)

    return decode


def recipe(
    lang_dir: Path, backend: str, scale: float, beam: float, active: int
) -> Decode:
    """The recipe's ``hlg``."""
    options = SearchOptions(
        hlg_scale=scale, search_beam=beam, max_active=active, hlg_backend=backend
    )
    return best_of(load_method("hlg", lang_dir, None)(options))


def best_of(decode: Decoder) -> Decode:
    """Only the first hypothesis."""
    return lambda log_probs: decode(log_probs)[0]


def plain_k2(
    lang_dir: Path, arpa: Path, order: int, scale: float, beam: float, active: int
) -> Decode:
    """k2's search in k2's graph."""
    graph, words = k2_graph(lang_dir, arpa, order)
    graph.scores = graph.scores * scale

    def decode(log_probs: LogProbs) -> Hypothesis:
        segments = torch.tensor([[0, 0, len(log_probs)]], dtype=torch.int32)
        dense = k2.DenseFsaVec(torch.from_numpy(log_probs)[None], segments)
        lattice = k2.intersect_dense_pruned(graph, dense, beam, 6.0, 30, active)
        best = k2.shortest_path(lattice, use_double_scores=True)
        ids = best.aux_labels.values.tolist() if best.num_arcs else []
        text = " ".join(words[i] for i in ids if i > 0)
        return Hypothesis(text, (), 0.0, 0.0, 0.0)

    return decode


def make(name: str, args: argparse.Namespace, beam: float, active: int) -> Decode:
    """A competitor by its name."""
    bounds = args.hlg_scale, beam, active
    if name == "kaldi-decoder plainly":
        return plain_kaldi(args.lang_dir, args.arpa, args.order, *bounds)
    if name == "k2 plainly":
        return plain_k2(args.lang_dir, args.arpa, args.order, *bounds)
    return recipe(args.lang_dir, name.split()[1], *bounds)


NAMES = ("kaldi-decoder plainly", "k2 plainly", "ours, kaldi-decoder", "ours, k2")


def errors(
    decode: Decode, utterances: list[Utterance], refs: Mapping[str, str]
) -> tuple[ErrorRate, float]:
    """Word errors, and CPU seconds of search."""
    total, seconds = ErrorRate.zero(), 0.0
    for utterance in utterances:
        began = time.process_time()
        hyp = decode(utterance.log_probs)
        seconds += time.process_time() - began
        total += count_errors(refs[utterance.id].split(), hyp.text.split())
    return total, seconds


def peak(name: str, args: argparse.Namespace, beam: float, active: int) -> float:
    """MiB of a process that loads and decodes; runs in a child."""
    decode = make(name, args, beam, active)
    for utterance in read_log_probs(args.exp_dir / "decode_test" / "log_probs.h5"):
        decode(utterance.log_probs)
    return peak_rss_mb()


def searches(args: argparse.Namespace) -> None:
    """The table of searches."""
    folder = args.exp_dir / "decode_test"
    utterances, refs = (
        list(read_log_probs(folder / "log_probs.h5")),
        read_texts(folder / "ref"),
    )
    audio = sum(u.duration for u in utterances)
    print(f"{len(utterances)} utterances, {audio:.0f} s, hlg_scale {args.hlg_scale}")
    print(
        "beam  states  search                  %WER    s     RTF   ratio  ratio    MiB"
    )
    print("                                                         plain  plain k2")
    for beam, active in BEAMS:
        decoders = {name: make(name, args, beam, active) for name in NAMES}
        times: dict[str, list[float]] = {name: [] for name in NAMES}
        found: dict[str, ErrorRate] = {}
        for _ in range(args.rounds):
            for name, decode in decoders.items():
                found[name], seconds = errors(decode, utterances, refs)
                times[name].append(seconds)
        best = {name: min(some) for name, some in times.items()}
        for name in NAMES:
            mib = call_in_child(name, peak, name, args, beam, active)
            print(
                f"{beam:4g} {active:7d}  {name:22s} {100 * found[name].rate:6.2f} "
                f"{best[name]:6.2f} {best[name] / audio:7.4f} "
                f"{best[name] / best[NAMES[0]]:6.2f} {best[name] / best[NAMES[1]]:6.2f} "
                f"{mib:8.0f}",
                flush=True,
            )


def suite(args: argparse.Namespace) -> None:
    """Every graph method with scales tuned on dev, on dev and test."""
    tune = yaml.safe_load(Path("conf/recipe.yaml").read_text())["tune"]
    options = SearchOptions()
    dev = DevSet(
        args.exp_dir / "decode_dev" / "log_probs.h5", read_texts(args.dev_refs), 1e9
    )
    for method in ("hlg", "hlg-nbest", "hlg-lattice"):
        axes = {n: refined(tune[f"{n}s"], 10) for n in REGISTRY[method].scales}
        options = tune_method(
            method, dev, axes, lang_dir=args.lang_dir, lm=None, options=options, nj=1
        )
    sets = {"dev": args.dev_refs, "test": args.exp_dir / "decode_test" / "ref"}
    for name, path in sets.items():
        log_probs = args.exp_dir / f"decode_{name}" / "log_probs.h5"
        utterances, refs = list(read_log_probs(log_probs)), read_texts(path)
        audio = sum(u.duration for u in utterances)
        for method in METHODS:
            if method not in ("greedy", "ctc") and not method.startswith("hlg"):
                continue
            decode = best_of(load_method(method, args.lang_dir, None)(options))
            found, seconds = errors(decode, utterances, refs)
            print(
                f"{name:4s} {method:12s} {100 * found.rate:6.2f} {seconds / audio:8.4f}"
            )
        print(
            f"{name:4s} {'oracle':12s} {100 * oracle(args, options, utterances, refs):6.2f}"
        )


def oracle(
    args: argparse.Namespace,
    options: SearchOptions,
    utterances: list[Utterance],
    refs: Mapping[str, str],
) -> float:
    """WER of the best of up to 100 sampled hypotheses."""
    decode = load_method("hlg-nbest", args.lang_dir, None)(replace(options, nbest=101))
    nbest = {u.id: [hyp.text for hyp in decode(u.log_probs)] for u in utterances}
    return oracle_errors({u.id: refs[u.id] for u in utterances}, nbest).rate


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lang-dir", type=Path, required=True)
    parser.add_argument("--arpa", type=Path, required=True)
    parser.add_argument("--order", type=int, default=3, help="lm.graph_order")
    parser.add_argument("--exp-dir", type=Path, required=True)
    parser.add_argument("--dev-refs", type=Path, help="Kaldi text of dev; for --tune")
    parser.add_argument("--hlg-scale", type=float, default=0.4)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--tune", action="store_true", help="the suite, not the times")
    args = parser.parse_args()
    torch.set_num_threads(1)
    if args.tune:
        suite(args)
    else:
        searches(args)


if __name__ == "__main__":
    main()
