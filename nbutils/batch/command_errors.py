"""What a command says when it cannot go on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import typer

from nbutils.errors import NbutilsError


@contextmanager
def errors(when_interrupted: str = "nothing was changed") -> Iterator[None]:
    """Turn the project's own errors into one line on standard error and exit status 2.

    Args:
        when_interrupted: What becomes of the work when the user interrupts it (status 130).
    """
    try:
        yield
    except NbutilsError as error:
        print_error(f"error: {error}")
        raise typer.Exit(2) from None
    except KeyboardInterrupt:
        print_error(f"interrupted: {when_interrupted}")
        raise typer.Exit(130) from None


def print_error(text: str) -> None:
    """Print a line in red on standard error."""
    typer.secho(text, fg=typer.colors.RED, err=True)
