"""The one exception that users are meant to see."""


class RecipeError(Exception):
    """Bad input or a missing step: says what, where, and what to do, in one line.

    The command line prints it after ``error:`` and exits with ``exit_code``;
    no traceback is shown.
    """

    exit_code = 1


class BadFilesError(RecipeError):
    """Some of the user's files could not be used; everything else is done."""

    exit_code = 3


class UsageError(RecipeError):
    """A wrong option or value on the command line or in a YAML file."""

    exit_code = 2
