"""Finding a package's classes by their names: a new file is enough, no list is to be kept."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import lazy_loader

from nbutils.errors import ParameterError


def find_class(package: str, base: str, name: str) -> type[Any]:
    """The class `name` of a package, imported.

    Args:
        package: Dotted name of the package.
        base: Name of the class that the package's classes derive from.
        name: Of the wanted class.

    Raises:
        ParameterError: The package has no such class; those it has are named.
    """
    known = classes(package, base)
    if name not in known:
        raise ParameterError(f"{package} has no '{name}'; it has {', '.join(sorted(known))}")
    found: type[Any] = getattr(importlib.import_module(known[name]), name)
    return found


@cache
def classes(package: str, base: str) -> dict[str, str]:
    """Name to module of every class in a package's files that derives from `base`, directly or not; imports none."""
    bases: dict[str, set[str]] = {}
    modules: dict[str, str] = {}
    for file in sorted(package_folder(package).glob("*.py")):
        module = f"{package}.{file.stem}"
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef):
                parents = {ast.unparse(each).rpartition(".")[2] for each in node.bases}
                name = _within(module, node.name)
                bases[name], modules[name] = {_within(module, parent) for parent in parents}, module
    found = {base}
    while grown := {name for name, parents in bases.items() if parents & found} - found:
        found |= grown
    return {name: modules[name] for name in found - {base} if "." not in name}


def _within(module: str, name: str) -> str:
    """A class's name; a private one's with its module, since others may have one of the same name."""
    return f"{module}.{name}" if name.startswith("_") else name


def package_folder(package: str) -> Path:
    """Where a package's files lie."""
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ParameterError(f"there is no package {package!r}")
    return Path(next(iter(spec.submodule_search_locations)))


def open_face(package: str, file: str, base: str) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """`__getattr__`, `__dir__` and `__all__` of a package that its users add classes to.

    Args:
        package: The package's `__name__`.
        file: Its `__file__`; the stub beside it lists what it offers.
        base: Name of the class that added classes derive from; they are offered too.
    """
    listed, _, names = lazy_loader.attach_stub(package, file)

    def offer(name: str) -> Any:  # noqa: ANN401 (a module's attribute may be anything)
        if name not in names and name in classes(package, base):
            return find_class(package, base, name)
        return listed(name)

    def names_now() -> list[str]:
        return sorted({*names, *classes(package, base)})

    return offer, names_now, names
