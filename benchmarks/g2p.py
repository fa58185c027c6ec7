"""How well words outside the dictionary are pronounced: a tenth of its words held out.

    python -m benchmarks.g2p [--order N]

Against the nearest pronunciation that the dictionary has; one process, CPU time.
"""

import argparse
import random
import time
from collections.abc import Mapping, Sequence

from asr.score.error_rate import ErrorRate, count_errors
from asr.text.g2p import ORDER, train_g2p
from asr.text.pronunciations import Dictionary, Phones, read_cmudict, teaches_spelling


def main() -> None:
    """Print phone and word error on the held-out words, sizes and times."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--order", type=int, default=ORDER)
    order = parser.parse_args().order
    dictionary = {w: p for w, p in read_cmudict().items() if teaches_spelling(w)}
    known, held_out = split(dictionary)
    began = time.process_time()
    model = train_g2p(known, order)
    trained = time.process_time()
    said = model.pronounce(held_out)
    done = time.process_time()
    phones, wrong = errors(held_out, said)
    print(
        f"order {order}: learned from {len(known)} words in {trained - began:.1f} s, "
        f"{len(model.ngram.suffix)} n-grams of {len(model.graphones)} graphones; "
        f"{len(held_out)} words in {done - trained:.1f} s: phone error "
        f"{100 * phones.rate:.2f} %, word error {100 * wrong / len(held_out):.2f} %"
    )


def split(dictionary: Dictionary) -> tuple[Dictionary, Dictionary]:
    """Nine tenths of the words, and one; seeded."""
    words = sorted(dictionary)
    random.Random(0).shuffle(words)
    tenth = len(words) // 10
    parts = words[tenth:], words[:tenth]
    known, held_out = ({w: dictionary[w] for w in part} for part in parts)
    return known, held_out


def errors(
    held_out: Mapping[str, Sequence[Phones]], said: Mapping[str, Phones]
) -> tuple[ErrorRate, int]:
    """Phone errors against the nearest pronunciations, and words with any."""
    total, wrong = ErrorRate.zero(), 0
    for word, pronunciations in held_out.items():
        hyp = said.get(word, ())
        found = [count_errors(ref, hyp) for ref in pronunciations]
        nearest = min(found, key=lambda counts: counts.rate)
        total += nearest
        wrong += nearest.errors > 0
    return total, wrong


if __name__ == "__main__":
    main()
