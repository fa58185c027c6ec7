"""How many of a model's unknown words are found when it is told them, by their weight.

    ./run.sh --stage 8 --test-dir DIR --decoders beam-lm --hotwords FILE   # makes log-probs
    python -m benchmarks.hotwords exp/pretrained/mini_librispeech-tdnnf DIR_NAME

The hot words are those of the references that the model's lexicon lacks, alone and among
others that nobody says, from the CMU dictionary. Prints a Markdown table for each: %WER,
how many of the hot words were found, how many more were claimed, and seconds of search for
a second of audio. For models with phones; pronunciations are guessed from letters.
"""

import argparse
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import yaml

from asr.decode.matrix import decode_set
from asr.decode.options import HotWord, SearchOptions
from asr.fsa.lexicon import read_lexicon
from asr.score.calc_metrics import score
from asr.score.transcripts import read_texts
from asr.text.phones import guess_spellings
from asr.text.pronunciations import read_cmudict
from asr.text.tokenizer import read_tokens

WEIGHTS = (0.0, 4.0, 7.0, 10.0, 13.0, 16.0)


@dataclass(frozen=True)
class World:
    """Where things lie, and what was said."""

    log_probs: Path
    lang: Path
    lm: Path
    options: SearchOptions
    refs: Mapping[str, str]


def measure(world: World, hot: Sequence[HotWord]) -> str:
    """Cells of a row: the hot words in a list, each with its weight."""
    words = {word.word for word in hot}
    decoded = decode_set(
        "beam-lm",
        world.log_probs,
        world.lang,
        world.lm,
        replace(world.options, hotwords=tuple(w for w in hot if w.weight)),
        list(world.refs),
    )
    hyps = {id_: found[0].text for id_, found in decoded.nbest.items()}
    said, right, wrong = 0, 0, 0
    for id_, ref in world.refs.items():
        true, told = (
            Counter(w for w in text.split() if w in words) for text in (ref, hyps[id_])
        )
        said += true.total()
        right += (true & told).total()
        wrong += (told - true).total()
    rate = 100 * score(world.refs, hyps).wer.rate
    return f"{rate:.2f} | {right} of {said} | {wrong} | {decoded.rtf:.4f}"


def main() -> None:
    """Read the command line, and print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("exp", type=Path, help="with model/, as stage 8 makes it")
    parser.add_argument("set", help="a folder decode_SET in it, with references")
    parser.add_argument(
        "--others", type=int, default=500, help="words that nobody says"
    )
    parser.add_argument("--every", type=int, default=1, help="one utterance in so many")
    given = parser.parse_args()
    model, folder = given.exp / "model", given.exp / f"decode_{given.set}"
    scales = yaml.safe_load((model / "decode.yaml").read_text(encoding="utf-8"))
    chosen = {name: scales[name] for name in ("lm_weight", "word_score")}
    refs = dict(sorted(read_texts(folder / "ref").items())[:: given.every])
    lang, (arpa, *_) = model / "lang_phone", sorted((model / "lm").glob("*.arpa"))
    options = SearchOptions(nbest=1, **chosen)
    world = World(folder / "log_probs.h5", lang, arpa, options, refs)
    known = read_lexicon(lang / "lexicon.txt", read_tokens(lang / "tokens.txt"))
    lacking = sorted({w for ref in refs.values() for w in ref.split()} - known.keys())
    strange = sorted(w for w in read_cmudict() if w.isalpha() and len(w) > 3)
    strange = [word for word in strange if word not in known]
    others = random.Random(0).sample(strange, given.others)
    for words in (lacking, [*lacking, *others]):
        spelled = guess_spellings(lang, words)
        print(f"\n{len(spelled)} hot words, {len(refs)} utterances\n")
        print("| weight | %WER | found | claimed | RTF |\n|---|---|---|---|---|")
        for weight in WEIGHTS:
            hot = [HotWord(w, weight, (ids,)) for w, ids in spelled.items()]
            print(f"| {weight:g} | {measure(world, hot)} |", flush=True)


if __name__ == "__main__":
    main()
