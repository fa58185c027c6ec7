"""An ARPA file in arrays against KenLM, on random files and sentences."""

import math
import random
from pathlib import Path

import kenlm
import pytest

from asr.errors import RecipeError
from asr.lm.arpa import ArpaLm, load_lm, read_arpa
from asr.lm.ngram import NgramLm
from asr.lm.train_ngram import train_kneser_ney, write_arpa

pytest.importorskip("numba")
CLOSE = {"abs": 1e-5, "rel": 1e-6}  # KenLM adds in single precision
WORDS = ["A", "B", "é中", "D\\E", "-1", "#", "<unk>"]


def random_arpa(rng: random.Random, path: Path) -> None:
    """Any n-grams whose beginnings are there; ends may be missing, so may <unk>.

    Back-offs are there or not, 0 or not; numbers come in all forms.
    """
    words = ["</s>", *(w for w in WORDS if w != "<unk>" or rng.random() < 0.7)]
    rng.shuffle(words)
    order = rng.randint(2, 4)
    grams: list[list[tuple[str, ...]]] = [[(w,) for w in ["<s>", *words]]]
    for _ in range(1, order):
        longer = [(*g, w) for g in grams[-1] if g[-1] != "</s>" for w in words]
        there = {*grams[-1]}
        orphans = [g for g in longer if g[1:] not in there]
        some = [g for g in longer if g[1:] in there and rng.random() < 0.5]
        # KenLM has room for a few n-grams without the shorter ones that end like them.
        grams.append(some + (orphans[:1] if len(some) > 9 else []))
    lines = ["\\data\\", *(f"ngram {n}={len(g)}" for n, g in enumerate(grams, 1))]
    for n, some in enumerate(grams, 1):
        lines += ["", f"\\{n}-grams:"]
        rng.shuffle(some)
        for gram in some:
            line = f"{rng.choice(FORMS)(-1 - 5 * rng.random())}\t{' '.join(gram)}"
            if n < order and rng.random() < 0.8:
                line += "\t" + rng.choice(["0", "-0.0", f"{rng.uniform(-2, 0.2):.7g}"])
            lines.append(line)
    path.write_text("\n".join([*lines, "", "\\end\\", ""]))


FORMS = [
    lambda x: f"{x:.7g}",
    lambda x: f"{x:.3e}",
    lambda x: f"{x:.20f}",
    lambda x: f"{round(x)}",
    lambda x: "-99",
]


@pytest.mark.parametrize("seed", range(40))
def test_scores_and_states_are_kenlms(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    random_arpa(rng, tmp_path / "lm.arpa")
    lm, reference = read_arpa(tmp_path / "lm.arpa"), NgramLm(tmp_path / "lm.arpa")
    assert lm is not None
    states: dict[object, int] = {}
    for _ in range(50):
        at, expected_at = lm.begin(), reference.begin()
        for _ in range(rng.randint(0, 9)):
            word = rng.choice([*WORDS, "never"])
            assert (word in lm) == (word in reference)
            score, at = lm.score(at, word)
            expected, expected_at = reference.score(expected_at, word)
            assert score == pytest.approx(expected, **CLOSE)
            end = reference.end(expected_at)
            assert lm.end(at) == pytest.approx(end, **CLOSE)
            states[expected_at] = at
    # What KenLM takes for one state is one state here: no context is kept in vain.
    assert len(set(states.values())) <= len(states)


def test_a_trained_model(tmp_path: Path) -> None:
    rng = random.Random(1)
    text = [rng.choices("ABCDEFGH", k=rng.randint(1, 9)) for _ in range(300)]
    for prune in ([0, 0, 0, 0], [0, 1, 2, 2]):
        write_arpa(train_kneser_ney(text[:200], 4, prune), tmp_path / "lm.arpa")
        lm = load_lm(tmp_path / "lm.arpa")
        assert isinstance(lm, ArpaLm)
        assert lm.words() == NgramLm(tmp_path / "lm.arpa").words() == set("ABCDEFGH")
        reference = kenlm.Model(str(tmp_path / "lm.arpa"))
        for sentence in [*text[200:], [], ["X", "A"], ["A", "X", "B"]]:
            state, total = lm.begin(), 0.0
            for word in sentence:
                ln_prob, state = lm.score(state, word)
                total += ln_prob
            expected = math.log(10) * reference.score(" ".join(sentence))
            assert total + lm.end(state) == pytest.approx(expected, abs=1e-5)


GOOD = """\\data\\
ngram 1=3
ngram 2=1

\\1-grams:
-1\t<s>\t-0.5
-1\t</s>
-1\tA

\\2-grams:
-0.1\t<s> A

\\end\\
"""


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("ngram 2=1", "ngram 2=2"),  # fewer than declared
        ("ngram 1=3", "ngram 1=2"),  # more than declared
        ("-0.1\t<s> A", "0.1\t<s> A"),  # a probability above one
        ("-0.1\t<s> A", "-0.1\t<s> B"),  # a word that is no 1-gram
        ("-0.1\t<s> A", "-0.1\t<s>"),
        ("-0.1\t<s> A", "-0.1\t<s> A B C"),
        ("-1\t</s>\n", "-1\tA\n"),  # twice
        ("-1\tA", "-x\tA"),
        ("-1\tA", "-1e\tA"),
        ("\\end\\\n", ""),  # cut off
        ("\n\\end\\\n", "\n\\end\\"),  # KenLM reads this one
        ("\\2-grams", "\\3-grams"),
        ("\\data\\", "data"),
    ],
)
def test_what_is_unusual_is_left_to_kenlm(tmp_path: Path, old: str, new: str) -> None:
    path = tmp_path / "lm.arpa"
    path.write_text(GOOD)
    assert read_arpa(path) is not None
    assert old in GOOD
    path.write_text(GOOD.replace(old, new))
    assert read_arpa(path) is None


def test_load_lm_says_what_kenlm_says(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="is missing"):
        load_lm(tmp_path / "lm.arpa")
    (tmp_path / "lm.arpa").write_text(GOOD.replace("-0.1", "0.1"))
    with pytest.raises(RecipeError, match="is not an n-gram model"):
        load_lm(tmp_path / "lm.arpa")
    (tmp_path / "lm.arpa").write_text(GOOD.removesuffix("\n"))
    assert isinstance(load_lm(tmp_path / "lm.arpa"), NgramLm)
