"""The package's shape: imports go downwards and in no circle, names are unique, modules are short."""

import ast
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[2]
#: Each package imports only from those before it; the modules directly in `nbutils` stand below all of them.
ORDER = (
    "data",
    "models",
    "losses",
    "selection",
    "training",
    "evaluation",
    "reporting",
    "viz",
    "papers",
    "exercises",
    "batch",
)
#: Names that several modules may have.
SHARED = {"__init__", "__main__", "base", "spec"}
MOST_LINES = 400


def _modules() -> dict[str, Path]:
    """Every module of the package by its dotted name; a package stands for its `__init__`."""
    found = {}
    for file in sorted((ROOT / "nbutils").rglob("*.py")):
        parts = file.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = file
    return found


MODULES = _modules()


def _imported(file: Path) -> set[str]:
    """The package's modules that a file imports anywhere: in functions and for type checkers too."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{file}:{node.lineno}: a relative import"
            inside = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= inside & MODULES.keys()
            found |= {str(node.module)} if inside - MODULES.keys() else set()
    return found & MODULES.keys()


IMPORTS = {name: _imported(file) for name, file in MODULES.items()}


def _layer(module: str) -> int:
    """0 for `nbutils` and what stands directly in it, then the place in `ORDER` from 1."""
    parts = module.split(".")
    return ORDER.index(parts[1]) + 1 if len(parts) > 1 and parts[1] in ORDER else 0


def _circular() -> set[str]:
    """Modules that import themselves by way of others."""
    reached = {name: set(imported) for name, imported in IMPORTS.items()}
    for middle in reached:  # Warshall's closure
        for others in reached.values():
            if middle in others:
                others |= reached[middle]
    return {name for name, others in reached.items() if name in others}


def test_every_package_has_its_place() -> None:
    packages = {file.parent.name for file in (ROOT / "nbutils").glob("*/__init__.py")}
    assert packages == set(ORDER)


def test_imports_go_downwards() -> None:
    upward = {
        f"{name} -> {other}"
        for name, imported in IMPORTS.items()
        for other in imported
        if name != "nbutils" and _layer(other) > _layer(name)  # `nbutils` itself offers names of all packages
    }
    assert upward == set()


def test_no_module_imports_itself_by_way_of_others() -> None:
    assert _circular() == set()


def test_names_of_modules_are_unique() -> None:
    counts = Counter(name.rpartition(".")[2] for name in MODULES)
    assert {name for name, count in counts.items() if count > 1} - SHARED == set()


def test_modules_are_short() -> None:
    long = {name for name, file in MODULES.items() if len(file.read_text(encoding="utf-8").splitlines()) > MOST_LINES}
    assert not long
