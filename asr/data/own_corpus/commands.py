"""Commands in ``wav.scp`` (``sph2pipe -f wav a.sph |``), without a shell.

Kaldi gives such a line to a shell. Here most are not run at all: what a command only
decodes or resamples, libsndfile and the recipe read from the file themselves. Others are
run once, as FLAC, if they are made of programs that work on audio and nothing else.
(:mod:`asr.data.own_corpus.direct` tells the ones from the others.)
"""

import os
import re
import shlex
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import IO

from asr.data import ffmpeg
from asr.data.audio_store import AudioStore, Described, write_flac
from asr.data.own_corpus.direct import Command, direct
from asr.data.sound_file import AudioError, look_at
from asr.errors import RecipeError

PROGRAMS = tuple(
    "cat ffmpeg flac gunzip gzip lame mpg123 opusdec sox sph2pipe zcat".split()
)
GRACE = 2.0  # seconds for a program to end that nobody reads from any more
LEAST_RATE = 16_000  # Hz; what a command resamples to less is run, not read directly


def split_commands(line: str, where: str) -> list[Command]:
    """Split ``a x | b y |`` into programs with their arguments.

    Raises:
        RecipeError: what only a shell can do, or a program that is not of PROGRAMS.
    """
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;<>()")
    lexer.whitespace_split = True
    lexer.commenters = ""  # "#" is part of a file's name
    try:
        words = list(lexer)
    except ValueError as error:
        raise _refused(where, line, str(error)) from error
    commands: list[Command] = [[]]
    for word in words:
        if word == "|":
            commands.append([])
        elif set(word) <= set("|&;<>()") or re.search(r"[$`]|^\|", word):
            raise _refused(where, line, f"{word} needs a shell")
        else:
            commands[-1].append(word)
    if not commands[-1]:
        commands.pop()
    for command in commands:
        if not command or Path(command[0]).name not in PROGRAMS:
            name = command[0] if command else "no program"
            raise _refused(where, line, f"{name} is none of {', '.join(PROGRAMS)}")
    return commands


def _refused(where: str, line: str, why: str) -> RecipeError:
    return RecipeError(
        f"{where}: the command '{line.strip()}' is not run ({why}); convert the audio "
        "once, to wav or flac, and write the files' paths into wav.scp"
    )


def by_command(id_: str, line: str, store: AudioStore, where: str) -> Described:
    """Describe what a command gives, and the only channel of it, if one is named.

    Args:
        where: the place of the command, for messages.

    Raises:
        RecipeError: it needs a shell, or a program that is not of PROGRAMS.
        AudioError: it fails, or its program is not there.
    """
    commands = split_commands(line, where)
    plain = direct(commands, LEAST_RATE)
    if plain is None:
        return store.describe(id_, make_flac(commands, id_, store))
    path = store.locate(plain.path)
    try:
        return replace(store.describe(id_, path), channel=plain.channel)
    except AudioError as error:  # compressed SPHERE is read by its own program only
        if not os.path.isfile(path):
            raise
        try:
            return store.describe(id_, make_flac(commands, id_, store))
        except AudioError as other:
            raise AudioError(f"{error}; and {other}") from other


def make_flac(commands: Sequence[Command], id_: str, store: AudioStore) -> Path:
    """Run a command, unless its FLAC is there, and return that.

    Raises:
        AudioError: a program is not there or fails, or gives no audio.
    """
    words = [word for command in commands for word in command[1:]]
    files = [path for word in words if os.path.isfile(path := store.locate(word))]
    folder = next(
        (b for b in store.bases if any(os.path.isfile(b / w) for w in words)), "."
    )
    flac = store.converted(id_, shlex.join(sum(commands, [])), files)
    if not flac.exists():
        _take(_run(commands, Path(folder)), shlex.join(commands[0]), store, flac)
    return flac


def _run(commands: Sequence[Command], folder: Path) -> bytes:
    """Standard output of the last program, each fed by the one before."""
    running: list[subprocess.Popen[bytes]] = []
    with tempfile.TemporaryFile() as log:
        fed: int | IO[bytes] | None = subprocess.DEVNULL
        try:
            for command in commands:
                process = subprocess.Popen(
                    [_program(command[0]), *command[1:]],
                    stdin=fed,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    cwd=folder,
                )
                running.append(process)
                fed = process.stdout
            output = running[-1].communicate()[0]
            _close(running)
            # The last one may not have wanted all that the others have to give.
            stopped = [not _ends(process) for process in running]
        finally:
            _close(running)
            for process in running:
                process.kill()
            codes = [process.wait() for process in running]
        log.seek(0)
        said = log.read().decode("utf-8", "replace").split("\n")
    if any(
        code not in (0, -signal.SIGPIPE) and not (by_us and code == -signal.SIGKILL)
        for code, by_us in zip(codes, stopped, strict=True)
    ):
        lines = [line.strip() for line in said if line.strip()]
        last = lines[-1] if lines else f"exit codes {codes}"
        raise AudioError(f"{' | '.join(map(shlex.join, commands))}: {last}")
    return output


def _close(running: Sequence[subprocess.Popen[bytes]]) -> None:
    """Close this end of the pipes: who still writes into one gets SIGPIPE."""
    for process in running:
        if process.stdout is not None:
            process.stdout.close()


def _ends(process: subprocess.Popen[bytes]) -> bool:
    """Whether a program ends by itself; one that was just killed takes a moment."""
    try:
        process.wait(GRACE)
    except subprocess.TimeoutExpired:
        return False
    return True


def _program(name: str) -> str:
    """Where a program is, by its name alone.

    A path may be of another machine, or of a file that a corpus brings along and that
    is only called like one of PROGRAMS.
    """
    found = shutil.which(Path(name).name)
    if found is None and Path(name).name == "ffmpeg":
        found = ffmpeg.find_ffmpeg()
    if found is None:
        raise AudioError(
            f"{name}: needs this program, which is not in PATH; install it, or convert the "
            "audio to wav or flac and write the paths into wav.scp"
        )
    return found


def _take(content: bytes, command: str, store: AudioStore, flac: Path) -> None:
    """Write what a command gave as FLAC, whatever format it has."""
    with tempfile.NamedTemporaryFile(prefix="wav.scp-") as file:
        file.write(content)
        file.flush()
        try:
            sound = look_at(Path(file.name))
            write_flac(sound, flac)
        except AudioError as error:
            said = str(error).removeprefix(f"{file.name}: ")
            raise AudioError(f"{command}: gives no audio ({said})") from error
    if sound.note is not None:
        store.note(sound.note, command)
