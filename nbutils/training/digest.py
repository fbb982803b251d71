"""Digests of code: of the modules that decide a result, found by following imports, and of nothing else."""

from __future__ import annotations

import ast
import hashlib
import logging
import sys
import sysconfig
from collections.abc import Collection, Iterable, Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from nbutils.registry import classes

logger = logging.getLogger(__name__)

_PACKAGE = "nbutils"
#: Base classes of the packages whose classes are found by name.
OPEN = {"nbutils.losses": "Loss", "nbutils.models": "FaceNetwork"}
#: What no result depends on: errors, files and memory, the store, names and digests themselves.
IMMATERIAL = frozenset({_PACKAGE}) | frozenset(
    f"{_PACKAGE}.{name}"
    for name in (
        "buckets",
        "data.bucket_copy",
        "errors",
        "memory",
        "paths",
        "registry",
        "training.cell_source",
        "training.checks",
        "training.digest",
        "training.interrupts",
        "training.kinds",
        "training.locks",
        "training.object_store",
        "training.result_files",
        "training.store",
        "training.store_places",
        "writing",
    )
)


def closure(
    roots: Iterable[str] = (), sources: Iterable[str] = (), leave_out: Collection[str] = frozenset()
) -> dict[str, str]:
    """Digests of some modules, and of all that they import from this project or from their own, directly or not.

    Imports inside functions count, those for type checkers do not. Installed packages are not followed.

    Args:
        roots: Dotted names of modules.
        sources: Texts of code without a module, whose imports are followed likewise.
        leave_out: Modules that do not count, and are not followed.

    Returns:
        Dotted name to digest; a text's under "source <digest>".
    """
    return dict(_closure(tuple(roots), tuple(sources), frozenset(leave_out)))


@cache
def _closure(
    roots: tuple[str, ...], sources: tuple[str, ...], leave_out: frozenset[str]
) -> tuple[tuple[str, str], ...]:
    left = [*roots]
    found: dict[str, str] = {}
    for text in sources:
        found[f"source {source_digest(text)}"] = source_digest(text)
        left += _imported(text, "", is_package=False)
    while left:
        name = left.pop()
        if name in found or name in IMMATERIAL or name in leave_out:
            continue
        seen = _read(name)
        if seen is not None:
            found[name], imports = seen
            left += imports
    return tuple(found.items())


@cache
def source_digest(source: str) -> str:
    """Of a source text, blind to comments, docstrings and layout."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
            node.body = node.body[1:]
    return hashlib.sha256(ast.unparse(tree).encode()).hexdigest()[:32]  # `ast.dump` differs between Pythons


def module_digest(module: str) -> str | None:
    """Of a module's own source as it is now, found without importing it; None where there is none to be followed."""
    seen = _read(module)
    return None if seen is None else seen[0]


def is_own(module: str) -> bool:
    """Whether a module has a source outside the installed packages: this project's, or one of its user's."""
    return _file(module) is not None


def source_file(module: str) -> str | None:
    """Where a module's source lies, from the folder on Python's path on, such as "nbutils/losses/triplet.py"."""
    file = _file(module)
    if file is None:
        return None
    levels = module.count(".") + (file.name == "__init__.py")
    return file.relative_to(file.parents[levels]).as_posix()


def forget() -> None:
    """Reads all files anew from now on."""
    for cached in (_closure, _read, _file, _top, _listed, classes):
        cached.cache_clear()


@cache
def _read(module: str) -> tuple[str, tuple[str, ...]] | None:
    """Digest and imports of a module; None of one that is not followed."""
    file = _file(module)
    if file is None:
        return None
    text = file.read_text(encoding="utf-8")
    try:
        return source_digest(text), tuple(_imported(text, module, is_package=file.name == "__init__.py"))
    except SyntaxError:
        return hashlib.sha256(text.encode()).hexdigest()[:32], _whole(module, "it cannot be parsed")


def _imported(text: str, module: str, *, is_package: bool) -> Iterator[str]:
    """Modules that a file imports, whether they are to be followed or not."""
    package = module if is_package else module.rpartition(".")[0]
    for base, name, level in _statements(text):
        if level:
            above = package.rsplit(".", level - 1)[0] if level > 1 else package
            yield from _from(f"{above}.{base}".rstrip("."), name)
        elif base and name:
            yield from _from(base, name)
        elif base:
            yield from _with_packages(base)
        elif module and not module.startswith(f"{_PACKAGE}."):
            yield from _whole(module, "it imports by a computed name")


@cache
def _statements(text: str) -> tuple[tuple[str, str, int], ...]:
    """What a text imports: (module, name, level) each, without a name where a module is; no module: a computed one."""
    found: list[tuple[str, str, int]] = []
    for node in _outside_type_checking(ast.parse(text)):
        if isinstance(node, ast.Import):
            found += [(each.name, "", 0) for each in node.names]
        elif isinstance(node, ast.ImportFrom):
            found += [(node.module or "", each.name, node.level) for each in node.names]
        elif _is_dynamic(node):
            found.append(("", "", 0))
    return tuple(found)


def _outside_type_checking(tree: ast.AST) -> Iterator[ast.AST]:
    """All nodes but those below `if TYPE_CHECKING:`."""
    yield tree
    for child in ast.iter_child_nodes(tree):
        if isinstance(child, ast.If) and ast.unparse(child.test).rpartition(".")[2] == "TYPE_CHECKING":
            for other in child.orelse:
                yield from _outside_type_checking(other)
        else:
            yield from _outside_type_checking(child)


def _is_dynamic(node: ast.AST) -> bool:
    if not isinstance(node, ast.Call):
        return False
    called = ast.unparse(node.func).rpartition(".")[2]
    return called in ("import_module", "__import__")


def _from(base: str, name: str) -> Iterator[str]:
    """Modules behind `from base import name`."""
    if _file(f"{base}.{name}") is not None:
        yield from _with_packages(f"{base}.{name}")
    elif base != _PACKAGE and not base.startswith(f"{_PACKAGE}."):
        yield from _with_packages(base)
    elif not _stub(base).is_file():
        yield base
    elif name in _offered(base):
        yield _offered(base)[name]
    else:
        yield from _whole(base, f"it does not say where {name!r} comes from")


def _with_packages(module: str) -> Iterator[str]:
    """A module and the packages above it, whose `__init__` runs first; this project's only hand on names."""
    yield module
    parts = module.split(".")
    if parts[0] != _PACKAGE:
        yield from (".".join(parts[:count]) for count in range(1, len(parts)))


def _offered(package: str) -> dict[str, str]:
    """Name to module of what one of this project's packages offers."""
    return _listed(package) | (classes(package, OPEN[package]) if package in OPEN else {})


@cache
def _listed(package: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for node in ast.parse(_stub(package).read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom):
            found |= {each.asname or each.name: f"{package}.{node.module}" for each in node.names}
    return found


def _stub(package: str) -> Path:
    """Where a package says which module each of its names comes from, if it does."""
    return (_file(package) or Path("nowhere")).with_suffix(".pyi")


def _whole(module: str, why: str) -> tuple[str, ...]:
    """All modules of a module's package, for want of knowing which of them count."""
    file = _file(module)
    package = module if file and file.name == "__init__.py" else module.rpartition(".")[0]
    if file is None or not package:
        return ()
    logger.warning("what %s imports cannot be followed (%s): all of %s counts", module, why, package)
    folder = file.parent
    modules = (".".join([package, *each.relative_to(folder).with_suffix("").parts]) for each in folder.rglob("*.py"))
    return tuple(sorted(module.removesuffix(".__init__") for module in modules))


@cache
def _file(module: str) -> Path | None:
    """Source of a module, found without importing it; None of an installed one, or where there is none."""
    top, *rest = module.split(".")
    file = _top(top)
    if file is None:
        return None
    for part in rest:
        if file.name != "__init__.py":
            return None
        folder = file.parent
        for candidate in (folder / part / "__init__.py", folder / f"{part}.py"):
            if candidate.is_file():
                file = candidate
                break
        else:
            return None
    return file


@cache
def _top(name: str) -> Path | None:
    if name in sys.builtin_module_names or name in sys.stdlib_module_names:
        return None
    try:
        spec = find_spec(name)
    except (ImportError, ValueError):
        return None
    if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
        return None
    file = Path(spec.origin).resolve()
    installed = {Path(sysconfig.get_path(key)).resolve() for key in ("purelib", "platlib")}
    return None if any(folder in file.parents for folder in installed) else file
