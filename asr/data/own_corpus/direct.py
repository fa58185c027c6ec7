"""What a command in ``wav.scp`` only decodes or resamples is read from the file itself.

No program is needed then, and nothing is written.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from asr.data.sound_file import SUFFIXES

Command = list[str]
NO_LIMIT = float("inf")  # Hz, of what is not resampled


@dataclass(frozen=True)
class Direct:
    """A file that is read instead of running a command.

    Attributes:
        path: as in the command.
        channel: the only one that is meant, from 0; None: all.
    """

    path: str
    channel: int | None


def direct(commands: Sequence[Command], least_rate: int) -> Direct | None:
    """The file that a command does no more with than decode and resample it.

    Args:
        least_rate: Hz; what is resampled to less has to be run.
    """
    if len(commands) != 1:
        return None
    program, *arguments = commands[0]
    readers = {"sph2pipe": _sph2pipe, "flac": _flac, "cat": _cat}
    readers |= {"sox": _sox, "ffmpeg": _ffmpeg}
    name = Path(program).name
    found = readers[name](arguments) if name in readers else None
    if found is None or found.rate < least_rate:
        return None
    return Direct(found.path, found.channel)


@dataclass(frozen=True)
class _Reads:
    path: str
    channel: int | None = None
    rate: float = NO_LIMIT


def _sph2pipe(arguments: Command) -> _Reads | None:
    options, files = _options(arguments, {"-f": 1, "-c": 1, "-p": 0, "-u": 0, "-a": 0})
    if len(files) != 1 or not set("".join(options.get("-c", "1"))) <= set("12"):
        return None
    return _Reads(files[0], int(options["-c"]) - 1 if "-c" in options else None)


def _flac(arguments: Command) -> _Reads | None:
    flags = [a for a in arguments if a.startswith("-")]
    files = [a for a in arguments if not a.startswith("-")]
    known = all(
        re.fullmatch("-[dcs]+|--(decode|stdout|silent)", flag) for flag in flags
    )
    return _Reads(files[0]) if known and len(files) == 1 else None


def _cat(arguments: Command) -> _Reads | None:
    plain = len(arguments) == 1 and arguments[0].lower().endswith(SUFFIXES)
    return _Reads(arguments[0]) if plain else None


def _sox(arguments: Command) -> _Reads | None:
    """``sox [-q] FILE [-t wav -r 16k -b 16 -e signed -c 1] - [rate 16k|channels 1]``."""
    if arguments[:1] == ["-q"]:
        arguments = arguments[1:]
    if "-" not in arguments:
        return None
    end = arguments.index("-")
    wanted = {"-t": 1, "-r": 1, "-b": 1, "-e": 1, "-c": 1}
    options, files = _options(arguments[1:end], wanted)
    effects = arguments[end + 1 :]
    if effects[:1] == ["rate"] and len(effects) == 2:
        options["-r"] = effects[1]
    elif effects and effects != ["channels", "1"]:
        return None
    if (
        files
        or end == 0
        or arguments[0].startswith("-")
        or options.get("-c", "1") != "1"
    ):
        return None
    return _Reads(arguments[0], rate=_rate(options.get("-r")))


def _ffmpeg(arguments: Command) -> _Reads | None:
    """``ffmpeg -i FILE -f wav -ar 16000 -ac 1 -``."""
    with_value = "-i -f -ar -ac -ab -b:a -acodec -c:a -v -loglevel".split()
    known = {**dict.fromkeys(with_value, 1), "-nostdin": 0, "-hide_banner": 0, "-y": 0}
    options, files = _options(arguments, known)
    if files not in (["-"], ["pipe:1"]) or "-i" not in options:
        return None
    return _Reads(options["-i"], rate=_rate(options.get("-ar")))


def _options(
    arguments: Command, known: dict[str, int]
) -> tuple[dict[str, str], list[str]]:
    """Options that are known, with their values, and all other words."""
    options: dict[str, str] = {}
    rest: list[str] = []
    words = iter(arguments)
    for word in words:
        if word in known:
            options[word] = next(words, "") if known[word] else ""
        else:
            rest.append(word)
    return options, rest


def _rate(text: str | None) -> float:
    """Hz of ``16000`` or ``16k``; what is no number counts as 0."""
    if text is None:
        return NO_LIMIT
    match = re.fullmatch(r"([\d.]+)(k?)", text)
    return float(match[1]) * (1000 if match[2] else 1) if match else 0.0
