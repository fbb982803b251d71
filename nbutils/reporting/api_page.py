"""The public API as one page, made from the packages' `__all__`."""

from __future__ import annotations

import ast
import inspect
import pkgutil
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import jinja2

import nbutils
from nbutils.reporting.docstrings import Link, docstring_html, inline_html, summary
from nbutils.writing import write_aside

#: The packages in the order of the page; below one stand those inside it that have a public face.
_PACKAGES = (
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
_LONGEST_VALUE = 300
#: What only a program reads of an annotation: that a name is looked up later, and what checks a value.
_REFERENCE, _ANNOTATED = re.compile(r"ForwardRef\('([^']+)'[^)]*\)"), re.compile(r"Annotated\[(.+), \w+\(\w+\)\]")
#: What `repr` shows of a function.
_ADDRESS = re.compile(r"<function ([\w.<>]+) at 0x\w+>")


@dataclass(frozen=True)
class Entry:
    """A public name, or a method or property of a class.

    Attributes:
        anchor: Its place on the page, "package.name".
        name: As it is written in code.
        kind: "class", "function", "package", "property" or "value".
        signature: Parameters and result; of a value, the value.
        html: Its docstring.
        members: Those of a class.
    """

    anchor: str
    name: str
    kind: str
    signature: str
    html: str
    members: tuple[Entry, ...] = ()


@dataclass(frozen=True)
class Section:
    """A package with its public names."""

    name: str
    html: str
    entries: tuple[Entry, ...]


class _Text(str):
    """Shown as it is where `inspect` would show a quoted string."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def write_api_page(file: Path) -> None:
    """Writes every public name with its signature, docstring and example into one HTML file for offline reading.

    Raises:
        OSError: The file cannot be written.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("nbutils.reporting"), autoescape=True, undefined=jinja2.StrictUndefined
    )
    page = environment.get_template("api.html").render(version=nbutils.__version__, sections=api_sections())
    write_aside(file, page)


def public_packages() -> list[str]:
    """Dotted names of the packages with a public face, `nbutils` first."""
    found = [nbutils.__name__]
    for name in _PACKAGES:
        package = import_module(f"nbutils.{name}")
        inside = [f"nbutils.{name}.{each.name}" for each in pkgutil.iter_modules(package.__path__) if each.ispkg]
        found += [package.__name__, *(each for each in inside if hasattr(import_module(each), "__all__"))]
    return found


def api_sections(page_of: Callable[[str], str] = lambda _: "") -> list[Section]:
    """The packages with their public names, and links between these.

    Args:
        page_of: From a package's name to the address of the page that it stands on, as links name it.
    """
    packages = [import_module(name) for name in public_packages()]
    anchors = {f"{package.__name__}.{name}" for package in packages for name in package.__all__}
    # a name without its package means the first package that offers it; `nbutils` itself repeats names of others
    short: dict[str, str] = {}
    for package in [*packages[1:], packages[0]]:
        for name in package.__all__:
            short.setdefault(name, f"{package.__name__}.{name}")

    def link(name: str) -> str | None:
        found = name if name in anchors else short.get(name)
        return address(found) if found else None

    def address(anchor: str) -> str:
        return f"{page_of(anchor.rpartition('.')[0])}#{anchor}"

    return [_section(package, short, link, address) for package in packages]


def _section(package: ModuleType, short: dict[str, str], link: Link, address: Callable[[str], str]) -> Section:
    modules = _modules(package)
    entries = []
    for name in sorted(package.__all__, key=lambda name: (name.lower(), name)):
        anchor, found = f"{package.__name__}.{name}", getattr(package, name)
        if isinstance(found, ModuleType):
            text = f"{summary(found.__doc__ or '')} <a href='{address(f'{anchor}.')}'>All of it.</a>"
            entries.append(Entry(anchor, name, "package", "", f"<p>{text}</p>"))
        elif package is nbutils:
            first = inline_html(summary(inspect.getdoc(found) or ""), link) if _is_documented(found) else ""
            there = f'<a href="{address(short[name])}"><code>{short[name]}</code></a>'
            entries.append(Entry(anchor, name, _kind(found), "", f"<p>{first} See {there}.</p>"))
        else:
            entries.append(_entry(anchor, name, found, modules[name], link))
    return Section(package.__name__, docstring_html(package.__doc__ or "", link), tuple(entries))


def _entry(anchor: str, name: str, found: object, module: str, link: Link) -> Entry:
    if not _is_documented(found):
        return Entry(anchor, name, "value", _value(found), f"<p>{inline_html(_comment(module, name), link)}</p>")
    html = docstring_html(inspect.getdoc(found) or "", link)
    members = tuple(_members(anchor, found, link)) if isinstance(found, type) else ()
    return Entry(anchor, name, _kind(found), _signature(found), html, members)


def _members(anchor: str, found: type, link: Link) -> Iterator[Entry]:
    """The methods and properties that a class itself defines and describes."""
    for name, value in vars(found).items():
        function = inspect.unwrap(
            getattr(value, "func", None) or getattr(value, "fget", None) or getattr(value, "__func__", value)
        )
        if name.startswith("_") or not isinstance(function, FunctionType) or not function.__doc__:
            continue
        kind = "property" if hasattr(value, "fget") or hasattr(value, "attrname") else "function"
        html = docstring_html(inspect.cleandoc(function.__doc__), link)
        signature = "" if kind == "property" else _signature(function)
        yield Entry(f"{anchor}.{name}", name, kind, signature, html)


def _is_documented(found: object) -> bool:
    return _kind(found) != "value"


def _kind(found: Any) -> str:  # noqa: ANN401
    if isinstance(found, type):
        return "class"
    return "function" if isinstance(inspect.unwrap(found), FunctionType) else "value"  # unwrap: it may be cached


def _signature(found: Any) -> str:  # noqa: ANN401 (a class or a function)
    """Parameters and result as the source writes them."""
    try:
        signature = inspect.signature(found)
    except (TypeError, ValueError):
        return ""
    if isinstance(found, type) and [p.name for p in signature.parameters.values()] == ["args", "kwargs"]:
        return "()"  # a network or loss whose constructor takes nothing
    fields = {name: text for each in reversed(getattr(found, "__mro__", ())) for name, text in _annotations(each)}
    parameters = [
        parameter.replace(
            annotation=_as_text(fields.get(name, parameter.annotation)), default=_default(parameter.default)
        )
        for name, parameter in signature.parameters.items()
        if name not in ("self", "cls")
    ]
    if isinstance(found, type):
        return str(signature.replace(parameters=parameters, return_annotation=inspect.Signature.empty))
    return str(signature.replace(parameters=parameters, return_annotation=_as_text(signature.return_annotation)))


def _annotations(found: type) -> Iterator[tuple[str, str]]:
    return ((name, text) for name, text in vars(found).get("__annotations__", {}).items() if isinstance(text, str))


def _as_text(annotation: Any) -> Any:  # noqa: ANN401
    if annotation is inspect.Parameter.empty:
        return annotation
    text = annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)
    return _Text(_ANNOTATED.sub(r"\1", _REFERENCE.sub(r"\1", text)))


def _default(default: Any) -> Any:  # noqa: ANN401
    """A function by its name, not its address; the others as they are."""
    if default is inspect.Parameter.empty:
        return default
    if isinstance(default, FunctionType):
        return _Text(default.__name__)
    text = _ADDRESS.sub(r"\1", repr(default))
    return _Text("…" if text.startswith("<") else text)


def _value(found: object) -> str:
    text = " ".join(_ADDRESS.sub(r"\1", repr(found)).split())
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]} …"


def _comment(module: str, name: str) -> str:
    """The `#:` comment above a value, where its module has one."""
    lines = Path(str(import_module(module).__file__)).read_text(encoding="utf-8").splitlines()
    at = next((at for at, line in enumerate(lines) if re.match(rf"{name}\b.*=", line)), 0)
    first = at
    while first and lines[first - 1].startswith("#:"):
        first -= 1
    return " ".join(line.removeprefix("#:").strip() for line in lines[first:at])


def _modules(package: ModuleType) -> dict[str, str]:
    """Name to the module that defines it, from the package's stub."""
    stub = Path(str(package.__file__)).with_suffix(".pyi")
    return {
        each.asname or each.name: f"{package.__name__}.{node.module}"
        for node in ast.parse(stub.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ImportFrom)
        for each in node.names
    }
