"""The source of a class or function that stands in a notebook cell, with all that it needs to run elsewhere."""

from __future__ import annotations

import ast
import builtins
import inspect
import linecache
import symtable
import sys
from collections.abc import Iterator, Mapping
from types import FunctionType, ModuleType
from typing import Any

from nbutils.errors import ParameterError

_FUTURE = "from __future__ import annotations\n"


def self_contained_source(value: type[Any] | FunctionType) -> str:
    """The source of `value`: the imports that it needs, the notebook's functions and classes it uses, then its own.

    Args:
        value: A class or function defined at the top level of a notebook cell or script.

    Raises:
        ParameterError: Its source cannot be found, or it uses a variable of the notebook, which another machine
            would not have.
    """
    imports: set[str] = set()
    definitions: dict[str, str] = {}
    _collect(value, value.__name__, imports, definitions)
    return _FUTURE + "".join(f"{line}\n" for line in sorted(imports)) + "".join(definitions.values())


def _collect(value: Any, owner: str, imports: set[str], definitions: dict[str, str]) -> None:  # noqa: ANN401
    """Adds the definition of `value` after those of what it uses."""
    name = value.__name__
    if name in definitions:
        return
    definitions[name] = ""  # a function may call itself, or two each other
    source, namespace = _definition(value)
    for used in sorted(_global_names(source) - {name}):
        if used in namespace:
            _provide(used, namespace[used], owner, imports, definitions)
        elif not hasattr(builtins, used):
            raise ParameterError(f"{owner} uses the name '{used}', which the notebook does not define")
    del definitions[name]
    definitions[name] = f"\n\n{source}\n"


def _provide(used: str, found: Any, owner: str, imports: set[str], definitions: dict[str, str]) -> None:  # noqa: ANN401
    """Adds what gives `used` its value: an import, or the definition in the notebook."""
    if isinstance(found, ModuleType):
        imports.add(f"import {found.__name__}" + ("" if found.__name__ == used else f" as {used}"))
        return
    if getattr(found, "__module__", None) == "__main__" and isinstance(found, type | FunctionType):
        if found.__name__ != used:
            raise ParameterError(f"{owner} uses '{used}', another name of {found.__name__}: use that name")
        _collect(found, owner, imports, definitions)
        return
    where = _importable(used, found)
    if where is None:
        raise ParameterError(
            f"{owner} uses the notebook's variable '{used}', which a training elsewhere would not have: pass it as an "
            "option, or define it inside"
        )
    module, name = where
    imports.add(f"from {module} import {name}" + ("" if name == used else f" as {used}"))


def _importable(used: str, found: Any) -> tuple[str, str] | None:  # noqa: ANN401
    """Module and name that a value can be imported by."""
    module, name = getattr(found, "__module__", None), getattr(found, "__qualname__", used)
    if isinstance(module, str) and module != "__main__":
        for each in (name, used):
            if getattr(sys.modules.get(module), each, None) is found:
                return module, each
    if isinstance(found, bool | int | float | complex | str | bytes | list | tuple | dict | set | None):
        return None
    for module in ("typing", "torch", "numpy", "math"):  # special forms and constants without a module of their own
        if getattr(sys.modules.get(module), used, None) is found:
            return module, used
    return None


def _definition(value: Any) -> tuple[str, Mapping[str, Any]]:  # noqa: ANN401
    """The text of a class or function, and the names around it."""
    functions = [value] if isinstance(value, FunctionType) else list(_functions(value))
    if functions:
        files = [functions[0].__code__.co_filename]
        namespace: Mapping[str, Any] = functions[0].__globals__
    else:  # a class without methods: in the newest cell that defines it
        files = [name for name in reversed(list(linecache.cache)) if "ipykernel" in name or "ipython-input" in name]
        namespace = vars(sys.modules[value.__module__])
        files += [file] if (file := namespace.get("__file__")) else []
    for file in files:
        text = "".join(linecache.getlines(file))
        for node in reversed(_parsed(text)):
            if isinstance(node, ast.ClassDef | ast.FunctionDef) and node.name == value.__name__:
                first = min([node.lineno, *(each.lineno for each in node.decorator_list)])
                return "\n".join(text.splitlines()[first - 1 : node.end_lineno]), namespace
    raise ParameterError(
        f"the source of {value.__name__} cannot be found: define it at the top level of a notebook cell, or in a file "
        "of your own and import it from there"
    )


def _functions(kind: type[Any]) -> Iterator[FunctionType]:
    for member in vars(kind).values():
        inner: Any = member.fget if isinstance(member, property) else getattr(member, "__func__", member)
        inner = inspect.unwrap(inner)
        if isinstance(inner, FunctionType) and inner.__qualname__.startswith(f"{kind.__qualname__}."):
            yield inner


def _parsed(text: str) -> list[ast.stmt]:
    try:
        return ast.parse(text).body
    except SyntaxError:
        return []


def _global_names(source: str) -> set[str]:
    """Names that the source reads and does not define."""
    found: set[str] = set()

    def visit(table: symtable.SymbolTable) -> None:
        for symbol in table.get_symbols():
            if table.get_type() == "module":
                taken = symbol.is_referenced() and not symbol.is_assigned()
            else:
                taken = symbol.is_global() and symbol.is_referenced()
            if taken:
                found.add(symbol.get_name())
        for child in table.get_children():
            visit(child)

    visit(symtable.symtable(_FUTURE + source, "<cell>", "exec"))
    return found
