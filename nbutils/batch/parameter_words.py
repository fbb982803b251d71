"""Parameters as words of a command line: -p NAME VALUE."""

from __future__ import annotations

from typing import Any

from typer.core import TyperCommand

from nbutils.errors import ParameterError

_PAIR = "\0"
PARAMETER_FLAGS = ("-p", "--parameter")


class ParameterCommand(TyperCommand):
    """Takes both words after -p together, which typer has no type for."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401
        """Joins the two words after each flag."""
        joined: list[str] = []
        words = iter(args)
        for word in words:
            joined.append(word)
            if word in PARAMETER_FLAGS:
                joined.append(_PAIR.join(next(words, "") for _ in range(2)))
        return super().parse_args(ctx, joined)


def given_parameters(preset: str | None, parameters: list[str] | None) -> list[tuple[str, str]]:
    """The parameters of the command line in order, --preset first."""
    pairs = [_pair(text) for text in parameters or ()]
    return pairs if preset is None else [("preset", preset), *pairs]


def _pair(text: str) -> tuple[str, str]:
    name, _, value = text.partition(_PAIR)
    if not name or "=" in name:
        raise ParameterError(f"-p {name!r}: expected -p NAME VALUE")
    return name, value
