"""Which packages work here: one that is there and does not import is as good as none."""

import functools
import importlib
import importlib.util


@functools.cache
def missing(package: str) -> str | None:
    """Why a package cannot be used, as "k2 is not installed"; None if it can.

    It is imported to find out. Also what is no ImportError counts: libraries made for
    another torch raise OSError, and packages that dislike a version what they please.
    """
    try:
        if importlib.util.find_spec(package) is None:
            return f"{package} is not installed"
        importlib.import_module(package)
    except Exception as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        return f"{package} cannot be imported ({reason[:200]})"
    return None
