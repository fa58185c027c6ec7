"""A decoder's outputs for a folder that grows: what is done is not done again.

Beside them lies ``files.json``, which says of every recording which version of it was
decoded.
"""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from asr.atomic import atomic_path
from asr.decode.decoded import Decoded, decoded_files
from asr.decode.options import SearchOptions
from asr.text.tokenizer import read_tokens

KEYS = "files.json"
ID_OF: Mapping[str, Callable[[str], str]] = {  # of a line
    "text": lambda line: line.split(" ", 1)[0],
    "ctm": lambda line: line.split(" ", 1)[0],
    "nbest.jsonl": lambda line: str(json.loads(line)["id"]),
}


def done_keys(folder: Path) -> dict[str, str]:
    """Recording -> key, of what a decoder's folder holds."""
    path = folder / KEYS
    if not path.is_file():
        return {}
    keys: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
    return keys


def write_kept(
    method: str,
    decoded: Decoded,
    keys: Mapping[str, str],
    names: Mapping[str, str],
    out_dir: Path,
    *,
    lang_dir: Path,
    options: SearchOptions,
    signature: str,
) -> None:
    """Write a decoder's folder: what was decoded now, and what it held and still counts.

    Args:
        decoded: the new recordings.
        keys: of all recordings, by id.
        names: of their predictions (without ``.txt``), by id.
        signature: what the outputs depend on.
    """
    tokens = read_tokens(lang_dir / "tokens.txt")
    new = decoded_files(method, decoded, options, tokens)
    old = done_keys(out_dir)
    kept = {
        id_
        for id_, key in keys.items()
        if old.get(id_) == key and id_ not in decoded.nbest
    }
    files = {
        name: _merged(name, out_dir, new[name], kept, sorted(keys, key=str.encode))
        for name in ID_OF
    }
    files["timing.json"] = _timing(out_dir, new["timing.json"], kept)
    files[KEYS] = json.dumps(dict(sorted(keys.items())), indent=1) + "\n"
    files["signature"] = signature
    with atomic_path(out_dir) as partial:
        (partial / "predictions").mkdir(parents=True)
        for line in files["text"].removesuffix("\n").split("\n"):
            id_, _, text = line.partition(" ")
            path = partial / "predictions" / f"{names[id_]}.txt"
            path.write_text(text + "\n", encoding="utf-8")
        for name, content in files.items():
            (partial / name).write_text(content, encoding="utf-8")


def _merged(
    name: str, folder: Path, new: str, kept: Collection[str], order: Sequence[str]
) -> str:
    """Lines of the old file for what is kept, and the new ones, by recording."""
    lines: dict[str, list[str]] = {}
    for line in _lines(folder / name) if kept else []:
        if (id_ := ID_OF[name](line)) in kept:
            lines.setdefault(id_, []).append(line)
    for line in new.removesuffix("\n").split("\n") if new else []:
        lines.setdefault(ID_OF[name](line), []).append(line)
    return "".join(f"{line}\n" for id_ in order for line in lines.get(id_, []))


def _lines(path: Path) -> list[str]:
    # Not splitlines: a text may hold one of Unicode's line separators.
    content = path.read_text(encoding="utf-8")
    return content.removesuffix("\n").split("\n") if content else []


def _timing(folder: Path, new: str, kept: Collection[str]) -> str:
    """Times of all runs together; those of recordings that are gone by their share."""
    now: dict[str, Any] = json.loads(new)
    if not kept:
        return new
    old = json.loads((folder / "timing.json").read_text(encoding="utf-8"))
    share = len(kept) / max(1, old["utterances"])
    now["utterances"] += len(kept)
    for name in ("failed", "second_try"):
        now[name] += round(share * old[name])
    for name in ("audio_seconds", "search_seconds"):
        now[name] = round(now[name] + share * old[name], 3)
    now["rtf"] = round(now["search_seconds"] / max(now["audio_seconds"], 1e-9), 6)
    now["peak_rss_mb"] = max(now["peak_rss_mb"], old["peak_rss_mb"])
    return json.dumps(now, indent=1) + "\n"
