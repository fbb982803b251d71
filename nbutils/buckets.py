"""Buckets of objects (S3, Google Cloud Storage, Azure), opened by the library obstore."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from nbutils.errors import NbutilsError


def open_bucket(url: str, error: type[NbutilsError]) -> tuple[Any, Any]:
    """The library obstore, and its store of a URL.

    Args:
        url: Such as s3://bucket/prefix; credentials and endpoint come from the environment.
        error: What is raised.

    Raises:
        NbutilsError: Of that class: obstore is not installed, or the URL is none of its.
    """
    try:
        obstore = import_module("obstore")
        opened = import_module("obstore.store").from_url(url)
    except ModuleNotFoundError:
        raise error(f"{url} needs obstore: pip install 'nbutils[cluster]'") from None
    except (ValueError, obstore.exceptions.BaseError) as wrong:
        raise error(f"cannot use {url}: {_first_line(wrong)}") from None
    return obstore, opened


@contextmanager
def reaching(obstore: Any, name: str, error: type[NbutilsError]) -> Iterator[None]:  # noqa: ANN401
    """Turns the errors of the library in its block into one of a class that names what was asked for."""
    try:
        yield
    except (FileNotFoundError, obstore.exceptions.BaseError) as wrong:
        raise error(f"{name}: {_first_line(wrong)}") from wrong


def _first_line(error: BaseException) -> str:
    """What an error of the library says; the rest is its own innards."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
