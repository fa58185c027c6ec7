"""Fine-tuning: a new model begins with the layers of a trained one."""

import json
from collections.abc import Sequence
from pathlib import Path

from torch import Tensor, nn

from asr.config_load import BEFORE, read_yaml
from asr.errors import RecipeError
from asr.model_dir import CONFIG
from asr.models import checkpoint
from asr.models.weights_file import load_weights
from asr.text.tokenizer import read_tokens

OUTPUT = "output."  # the layer that has one row for each token


def init_from(model: nn.Module, path: Path, tokens: Sequence[str]) -> None:
    """Copy all weights whose names and shapes agree, and print which were not.

    The output layer is not taken where the file says that its tokens are others.

    Args:
        model: changed in place.
        path: ``averaged.pt``, or ``epoch-N.pt`` or ``last.pt`` of a training, or
            ``weights.npz`` of a finished model's folder.
        tokens: of ``model``.

    Raises:
        RecipeError: the file is damaged, or nothing in it agrees.
    """
    weights, their_tokens = read_weights(path)
    own = model.state_dict()
    taken: list[str] = []
    left: dict[str, list[str]] = {}  # reason -> weights
    for name, value in own.items():
        reason = _why_not(name, value, weights)
        if name.startswith(OUTPUT) and their_tokens not in (None, list(tokens)):
            reason = "other tokens"
        if reason:
            left.setdefault(reason, []).append(name)
        else:
            taken.append(name)
    if not taken:
        raise RecipeError(f"--init-from {path}: no layer fits; is it another --model?")
    model.load_state_dict({**own, **{name: weights[name] for name in taken}})
    unused = sorted(weights.keys() - own.keys())
    anew = [f"{_layers(names)} ({reason})" for reason, names in left.items()]
    print(
        f"{path}: {len(taken)} of {len(own)} weights taken: {_layers(taken)}\n"
        f"{path}: begun anew: {', '.join(anew) or 'none'}; "
        f"in the file only: {_layers(unused)}",
        flush=True,
    )


def say_other_level(path: Path, level: float | None) -> None:
    """Print if the model was trained on samples at another level than ``level``.

    Args:
        path: as of :func:`init_from`; without a ``config.yaml`` nothing is known.
        level: ``fbank.level`` of the training that begins.
    """
    exp = path.parent.parent if path.parent.name == "checkpoints" else path.parent
    if not (exp / CONFIG).is_file():
        return
    saved = read_yaml(exp / CONFIG).get("fbank", {})
    theirs = saved.get("level", BEFORE["fbank.level"])
    if theirs != level:
        theirs, ours = json.dumps(theirs), json.dumps(level)
        print(
            f"note: {path} was trained with fbank.level={theirs}, this training has "
            f"{ours}; for the same, add --set fbank.level={theirs} from stage 2 on",
            flush=True,
        )


def read_weights(path: Path) -> tuple[dict[str, Tensor], list[str] | None]:
    """The weights of any of the recipe's files, and the tokens where it has them.

    Raises:
        RecipeError: the file is damaged.
    """
    if path.suffix == ".npz":
        return load_weights(path), read_tokens(path.parent / "lang" / "tokens.txt")
    content = checkpoint.load(path)
    if "tokens" in content:
        return content["weights"], content["tokens"]
    if "optimizer" in content:
        return content.get("ema") or content["model"], None
    return content, None


def _why_not(name: str, value: Tensor, weights: dict[str, Tensor]) -> str:
    if name not in weights:
        return "not in the file"
    if weights[name].shape != value.shape:
        theirs, ours = (tuple(t.shape) for t in (weights[name], value))
        return f"shape {theirs}, here {ours}"
    return ""


def _layers(names: Sequence[str]) -> str:
    """Parts of the model that the weights belong to, each once: ``layers.3``."""
    parts = [name.split(".") for name in names]
    found = dict.fromkeys(".".join(part[:2]) for part in parts)
    return ", ".join(found) or "none"
