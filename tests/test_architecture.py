"""The package's modules depend on each other in one direction only."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
# A module may import its own layer and those before it; see CONTRIBUTING.md.
LAYERS = (
    (
        "errors",
        "atomic",
        "folders",
        "packages",
        "parent",
        "progress",
        "jit",
        "stage_lock",
    ),
    (
        "config",
        "config_augment",
        "config_doc",
        "config_load",
        "config_tree",
        "done_marker",
        "field_comments",
        "fingerprint",
    ),
    ("failures", "job", "model_dir", "owner", "provenance"),
    ("text", "plot"),
    ("models", "data", "lm", "fsa"),
    ("train", "decode", "score"),
    ("stage", "stage_files", "stages", "options", "bin", "__main__"),
)
MODULES = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for path in (ROOT / "asr").rglob("*.py")
    if path.name != "__init__.py"
)
LIGHT = ("asr", "asr.__main__", "asr.atomic", "asr.errors", "asr.job", "asr.stage")
LIGHT += (
    "asr.options",
    "asr.stages",
    "asr.config",
    "asr.config_load",
    "asr.text.normalize",
)
HEAVY = ("torch", "torchaudio", "k2", "kenlm", "lhotse", "wandb", "matplotlib")
HEAVY += ("kaldi_decoder", "kaldifst", "numba")

GRAPH_SEARCH = ("k2", "kaldi_decoder", "kaldifst")


def layer_of(module: str) -> int:
    part = module.split(".")[1]
    found = [n for n, layer in enumerate(LAYERS) if part in layer]
    assert found, f"{module}: give it a place in LAYERS"
    return found[0]


def imports_of(module: str) -> set[str]:
    """The package's modules that this one imports anywhere, also inside functions."""
    tree = ast.parse((ROOT / (module.replace(".", "/") + ".py")).read_text())
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: write out relative imports"
            names |= {node.module or ""}
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names & set(MODULES)


@pytest.mark.parametrize("module", MODULES)
def test_imports_point_one_way(module: str) -> None:
    upward = [n for n in imports_of(module) if layer_of(n) > layer_of(module)]
    assert not upward


def test_there_is_no_cycle() -> None:
    graph = {module: imports_of(module) for module in MODULES}
    while free := [m for m, needs in graph.items() if not needs & graph.keys()]:
        for module in free:
            del graph[module]
    assert not graph, f"in or above a cycle: {sorted(graph)}"


def loaded_by(modules: tuple[str, ...]) -> str:
    code = (
        "import importlib, sys\n"
        f"for name in {modules!r}: importlib.import_module(name)\n"
        f"print(*[name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_command_line_starts_without_heavy_libraries() -> None:
    scoring = tuple(m for m in MODULES if m.startswith("asr.score."))
    assert loaded_by(LIGHT + scoring) == ""


def test_decoders_load_only_what_they_need() -> None:
    """Else all of them would show the memory of the heaviest."""
    assert loaded_by(("asr.decode.beam", "asr.decode.matrix")) == ""


def searches_graphs(module: str) -> bool:
    tree = ast.parse((ROOT / (module.replace(".", "/") + ".py")).read_text())
    named = [n for n in tree.body if isinstance(n, ast.Import)]
    return any(alias.name in GRAPH_SEARCH for n in named for alias in n.names)


def test_all_but_the_graph_searches_can_be_imported_without_them() -> None:
    modules = tuple(m for m in MODULES if not searches_graphs(m))
    loaded = loaded_by(modules).split()
    assert not {*GRAPH_SEARCH, "torchaudio", "wandb"} & set(loaded)
