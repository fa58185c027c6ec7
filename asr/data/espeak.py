"""The espeak-ng library (wheel ``espeakng-loader``) through ctypes.

espeak-ng's state is global and survives its own reset: what it said before changes
the samples of what it says next. Every utterance is therefore spoken by a forked
child of a process that has initialised the library and never spoken.
"""

import ctypes
import os
import signal
from functools import cache
from typing import Any

from asr.errors import RecipeError

AUDIO_OUTPUT_SYNCHRONOUS = 2
INITIALIZE_DONT_EXIT = 0x8000
CHARS_UTF8, PHONEMES = 0x1, 0x100  # PHONEMES: [[...]] in the text is phonemes
RATE, PITCH = 1, 3  # espeak_PARAMETER
SEED = 1

_Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p
)


@cache
def espeak() -> "Espeak":
    """Return this process's espeak-ng, initialised at the first call.

    There is one only: a second initialisation would leave traces in the first.
    """
    return Espeak()


class Espeak:
    """The library in this process; use :func:`espeak`."""

    def __init__(self) -> None:
        """Raises RecipeError where the library or its data cannot be loaded."""
        try:
            import espeakng_loader

            self._library = ctypes.CDLL(espeakng_loader.get_library_path())
        except (ImportError, OSError) as error:
            raise RecipeError(
                f"espeak-ng cannot be loaded ({error}); install the wheel "
                "espeakng-loader (./run.sh does)"
            ) from error
        data = str(espeakng_loader.get_data_path()).encode()
        self.sample_rate: int = self._library.espeak_Initialize(
            AUDIO_OUTPUT_SYNCHRONOUS, 0, data, INITIALIZE_DONT_EXIT
        )
        if self.sample_rate <= 0:
            raise RecipeError(f"espeak-ng cannot read its data in {data.decode()}")
        self._library.espeak_ng_SetRandSeed.argtypes = [ctypes.c_long]
        self._library.espeak_Info.restype = ctypes.c_char_p
        self._pcm = bytearray()
        self._callback = _Callback(self._collect)  # kept: espeak holds a pointer to it
        self._library.espeak_SetSynthCallback(self._callback)

    @property
    def version(self) -> str:
        """Version of the library, such as ``1.52.0``."""
        version: bytes = self._library.espeak_Info(None)
        return version.decode().split(" ")[0]

    def speak(self, text: str, voice: str, pitch: int, rate: int) -> bytes:
        """Speak in a forked child.

        Args:
            voice: language and variant, such as ``en-us+f3``.
            pitch: 0 to 99, 50 is the voice's own.
            rate: words a minute.

        Returns:
            Mono 16-bit samples at ``sample_rate``, in the machine's byte order; the
            same for the same arguments, whatever was said before.

        Raises:
            RecipeError: there is no such voice, or espeak-ng failed.
        """
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reader)
            self._child(writer, text, voice, pitch, rate)
        os.close(writer)
        with os.fdopen(reader, "rb") as pipe:
            pcm = pipe.read()
        _, status = os.waitpid(child, 0)
        code = os.waitstatus_to_exitcode(status)
        if code != 0 or not pcm:
            raise RecipeError(_explain(code, text, voice))
        return pcm

    def _child(self, writer: int, text: str, voice: str, pitch: int, rate: int) -> None:
        """Speak, send the samples and end the process without any clean-up."""
        code = 1
        try:
            code = self._speak_here(text, voice, pitch, rate)
            with os.fdopen(writer, "wb") as pipe:
                pipe.write(self._pcm)
        finally:
            os._exit(code)

    def _speak_here(self, text: str, voice: str, pitch: int, rate: int) -> int:
        library = self._library
        library.espeak_ng_SetRandSeed(SEED)  # else seeded by the time of day
        if library.espeak_SetVoiceByName(voice.encode()) != 0:
            return 2
        library.espeak_SetParameter(RATE, rate, 0)
        library.espeak_SetParameter(PITCH, pitch, 0)
        content = text.encode() + b"\0"
        failed = library.espeak_Synth(
            content,
            ctypes.c_size_t(len(content)),
            ctypes.c_uint(0),
            ctypes.c_int(1),
            ctypes.c_uint(0),
            ctypes.c_uint(CHARS_UTF8 | PHONEMES),
            None,
            None,
        )
        return 3 if failed else 0

    def _collect(self, samples: Any, count: int, events: Any) -> int:
        if samples and count > 0:
            self._pcm += ctypes.string_at(samples, 2 * count)
        return 0


def _explain(code: int, text: str, voice: str) -> str:
    if code == 2:
        return f"espeak-ng has no voice {voice}; see corpus.options"
    if code < 0:
        name = signal.Signals(-code).name
        return f"espeak-ng was ended by {name} at {text!r}; run stage 0 again"
    return f"espeak-ng could not say {text!r} (voice {voice}, code {code})"
