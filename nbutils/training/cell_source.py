"""The source of a class or function that stands in a notebook cell, with all that it needs to run elsewhere."""

from __future__ import annotations

import ast
import builtins
import inspect
import linecache
import symtable
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import FunctionType, ModuleType
from typing import Any

from nbutils.errors import ParameterError

_FUTURE = "from __future__ import annotations\n"
#: Blocks that a symbol table calls functions, and that run where they stand.
_COMPREHENSIONS = {"listcomp", "setcomp", "dictcomp", "genexpr"}


def self_contained_source(value: type[Any] | FunctionType) -> str:
    """The source of `value`, and of the notebook's functions and classes that it uses, below the imports they need.

    Args:
        value: A class or function defined at the top level of a notebook cell or script.

    Raises:
        ParameterError: Its source cannot be found, or it uses a variable of the notebook, which another machine
            would not have.
    """
    parts = _Parts(value.__name__)
    parts.collect(value)
    return _FUTURE + "".join(f"{line}\n" for line in sorted(parts.imports)) + "".join(parts.definitions.values())


@dataclass
class _Parts:
    """What a source is put together from, for the class or function `owner`, which errors name."""

    owner: str
    imports: set[str] = field(default_factory=set)
    definitions: dict[str, str] = field(default_factory=dict)
    begun: set[str] = field(default_factory=set)

    def collect(self, value: Any) -> None:  # noqa: ANN401
        """Adds a definition: after what runs with it (base classes, decorators), before what its functions call."""
        name = value.__name__
        if name in self.begun:  # a function may call itself, or two each other
            return
        self.begun.add(name)
        source, namespace = _definition(value)
        at_once, later = _global_names(source)
        self._provide_all(at_once - {name}, namespace)
        self.definitions[name] = f"\n\n{source}\n"
        self._provide_all(later - at_once - {name}, namespace)

    def _provide_all(self, names: set[str], namespace: Mapping[str, Any]) -> None:
        for used in sorted(names):
            if used in namespace:
                self._provide(used, namespace[used], namespace)
            elif not hasattr(builtins, used):
                raise ParameterError(f"{self.owner} uses the name '{used}', which the notebook does not define")
            elif getattr(getattr(builtins, used), "__module__", "").startswith("IPython"):  # such as `display`
                self._provide(used, getattr(builtins, used), namespace)

    def _provide(self, used: str, found: Any, namespace: Mapping[str, Any]) -> None:  # noqa: ANN401
        """Adds what gives `used` its value: an import, or the definition in the notebook."""
        if isinstance(found, ModuleType):
            self.imports.add(f"import {found.__name__}" + ("" if found.__name__ == used else f" as {used}"))
            self.imports |= {f"import {name}" for name in _submodules(used, namespace)}
            return
        if getattr(found, "__module__", None) == "__main__" and isinstance(_inner(found), type | FunctionType):
            if found.__name__ != used:
                raise ParameterError(f"{self.owner} uses '{used}', another name of {found.__name__}: use that name")
            self.collect(found)
            return
        where = _importable(used, found, namespace)
        if where is None:
            raise ParameterError(
                f"{self.owner} uses the notebook's variable '{used}', which a training elsewhere would not have: pass "
                "it as an option, or define it inside"
            )
        module, name = where
        self.imports.add(f"from {module} import {name}" + ("" if name == used else f" as {used}"))


def _importable(used: str, found: Any, namespace: Mapping[str, Any]) -> tuple[str, str] | None:  # noqa: ANN401
    """Module and name that a value can be imported by."""
    module, name = getattr(found, "__module__", None), getattr(found, "__qualname__", used)
    if isinstance(module, str) and module != "__main__":
        for each in (name, used):
            if getattr(sys.modules.get(module), each, None) is found:
                return module, each
    for node in _imports(namespace):  # constants do not say where they are from, the notebook's own imports do
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                imported = getattr(sys.modules.get(node.module), alias.name, None)
                if (alias.asname or alias.name) == used and imported is found:
                    return node.module, alias.name
    return None


def _submodules(used: str, namespace: Mapping[str, Any]) -> Iterator[str]:
    """The notebook's imports like `import xml.dom`, which bind the name `xml`."""
    for node in _imports(namespace):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names if not each.asname and each.name.startswith(f"{used}."))


def _imports(namespace: Mapping[str, Any]) -> Iterator[ast.AST]:
    for text in _newest_first(namespace):
        for statement in _parsed(text):
            yield from ast.walk(statement) if isinstance(statement, ast.If | ast.Try) else [statement]


def _definition(value: Any) -> tuple[str, Mapping[str, Any]]:  # noqa: ANN401
    """The text of a class or function, and the names around it."""
    inner = _inner(value)
    functions = [inner] if isinstance(inner, FunctionType) else list(_functions(inner))
    namespace: Mapping[str, Any] = functions[0].__globals__ if functions else vars(sys.modules[value.__module__])
    texts = ["".join(linecache.getlines(function.__code__.co_filename)) for function in functions]
    if not functions and namespace.get(value.__name__) is value:  # nothing says which cell, so the last to define it
        texts = list(_newest_first(namespace))
    for text in texts:
        for node in reversed(_parsed(text)):
            if isinstance(node, ast.ClassDef | ast.FunctionDef) and node.name == value.__name__:
                first = min([node.lineno, *(each.lineno for each in node.decorator_list)])
                return "\n".join(text.splitlines()[first - 1 : node.end_lineno]), namespace
    raise ParameterError(
        f"the source of {value.__name__} cannot be found: define it at the top level of a notebook cell, or in a file "
        "of your own and import it from there"
    )


def _inner(value: Any) -> Any:  # noqa: ANN401
    """What decorators such as `torch.no_grad()` and `functools.cache` wrap."""
    return value if isinstance(value, type) or not callable(value) else inspect.unwrap(value)


def _functions(kind: type[Any]) -> Iterator[FunctionType]:
    """Methods that stand in the class's own text; those that a decorator made, such as `dataclass`, have none."""
    for member in vars(kind).values():
        inner: Any = member.fget if isinstance(member, property) else getattr(member, "__func__", member)
        inner = _inner(inner)
        own = isinstance(inner, FunctionType) and inner.__qualname__.startswith(f"{kind.__qualname__}.")
        if own and linecache.getlines(inner.__code__.co_filename):
            yield inner


def _newest_first(namespace: Mapping[str, Any]) -> Iterator[str]:
    """Texts of the notebook's cells in the order in which they last ran, or of the script."""
    cells = namespace.get("In")
    if isinstance(cells, list):
        yield from reversed(cells)
    elif file := namespace.get("__file__"):
        yield "".join(linecache.getlines(file))


def _parsed(text: str) -> list[ast.stmt]:
    try:
        return ast.parse(text).body
    except SyntaxError:
        return []


def _global_names(source: str) -> tuple[set[str], set[str]]:
    """Names that the source reads and does not define: those it reads at once, and those its functions read later."""
    at_once: set[str] = set()
    later: set[str] = set()

    def visit(table: symtable.SymbolTable, found: set[str]) -> None:
        for symbol in table.get_symbols():
            if table.get_type() == "module":
                taken = symbol.is_referenced() and not symbol.is_assigned()
            else:
                taken = symbol.is_global() and symbol.is_referenced()
            if taken:
                found.add(symbol.get_name())
        for child in table.get_children():
            is_later = child.get_type() == "function" and child.get_name() not in _COMPREHENSIONS
            visit(child, later if is_later else found)

    visit(symtable.symtable(_FUTURE + source, "<cell>", "exec"), at_once)
    return at_once, later
