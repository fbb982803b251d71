"""What a spec names: a class of this project, one of a file of one's own, or one that stands in a notebook cell."""

from __future__ import annotations

import importlib
import inspect
import linecache
import sys
from collections.abc import Callable, Mapping
from functools import partial
from importlib import metadata
from types import FunctionType, ModuleType
from typing import Any

from pydantic import SerializationInfo, SerializerFunctionWrapHandler, model_serializer

from nbutils.errors import ParameterError
from nbutils.registry import classes, find_class
from nbutils.training.base import Frozen, digest
from nbutils.training.cell_source import self_contained_source
from nbutils.training.digest import OPEN, closure, is_own, source_digest

#: Context of a serialisation that leaves sources out: what counts in a key is their digest, which comments do not move.
FOR_KEYS = {"sources": False}

#: Where the losses and the networks of this project are, and what they derive from.
LOSSES, MODELS = OPEN.items()

#: What has been named in this process, by name and digest: what a user passed, or let run by training it.
_LIVE: dict[tuple[str, str], Any] = {}
#: The other way round: a class of a file stays what it was when first named, though its file may change below it.
_MADE: dict[Any, Kind] = {}


class Kind(Frozen):
    """A class or function by name, and where it is not this project's, by the digest of its source.

    Nothing is imported or run by making one, or by reading one from a file: `resolve` does that.

    Attributes:
        name: "LabelLoss", of this project; "package.module:Name", of a file; or "Name", with its source.
        digest: Of the source, or the version of an installed package; empty: this project's.
        source: Of what stands in a notebook cell.
    """

    name: str
    digest: str = ""
    source: str = ""

    @model_serializer(mode="wrap")
    def _short(self, full: SerializerFunctionWrapHandler, info: SerializationInfo) -> str | dict[str, Any]:
        """A class of this project is its name."""
        if not self.digest:
            return self.name
        left_out = {"source"} if info.context == FOR_KEYS else set()
        return {name: value for name, value in full(self).items() if value and name not in left_out}

    @property
    def is_known(self) -> bool:
        """Whether resolving it runs nothing that its user has not run or written in this process."""
        return not self.digest or (self.name, self.digest) in _LIVE

    @property
    def module(self) -> str | None:
        """Module of what a file defines."""
        return self.name.partition(":")[0] if ":" in self.name else None

    def __str__(self) -> str:
        """The class's own name."""
        return self.name.rpartition(":")[2]


def describe(value: object, package: str, base: str) -> Kind | object:
    """The kind that `value` names.

    Args:
        value: A class, a function, the name of a class of this project, or "package.module:Name".
        package: Where this project's are, such as "nbutils.losses".
        base: The class that these derive from.

    Returns:
        The kind; what is no class, function or string comes back as it is, for pydantic to judge.

    Raises:
        ParameterError: There is no such class, or it cannot be written into a spec; the error says what to do.
    """
    if isinstance(value, str):
        return _by_name(value, package, base)
    if isinstance(value, type | FunctionType):
        return _of_object(value, package, base)
    if isinstance(value, partial) or callable(value):
        raise ParameterError(
            f"{value!r} cannot be written into a spec: expected a class or a function defined with `def`; what it "
            "should be made with goes into `options`"
        )
    return value


def resolve(kind: Kind, package: str, base: str) -> Callable[..., Any]:
    """The class or function itself; imports its file, or runs its source, where this process has not yet.

    What stands in a notebook cell is run from its source here too: what is trained is what the spec says, though a
    later cell may define the class, or a function that it calls, anew.

    Raises:
        ParameterError: It cannot be found, or is not what the spec was written with.
    """
    if not kind.digest:
        return find_class(package, base, kind.name)
    key = (kind.name, kind.digest)
    if key not in _LIVE:
        _LIVE[key] = _run(kind) if kind.source else _import(kind)
        _MADE[_LIVE[key]] = kind
    found: Callable[..., Any] = _LIVE[key]
    return found


def roots(kind: Kind, package: str, base: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Modules, and sources, that the digest of a training's code begins from, for what the kind names."""
    if kind.source:
        return (), (kind.source,)
    if kind.module:
        return (kind.module,), ()
    return (classes(package, base)[kind.name],), ()


def file_digest(module: str) -> str:
    """Digest of a module's source and of what it imports from its own project; of an installed package, its version.

    Nothing of it is imported.

    Raises:
        ParameterError: There is no such module.
    """
    if is_own(module):
        return digest(closure((module,)))
    package = module.partition(".")[0]
    try:
        return f"{package} {metadata.version(package)}"
    except metadata.PackageNotFoundError:
        raise ParameterError(f"there is no module {module!r}, or none with a source to make a digest of") from None


def given_content(
    fields: Mapping[str, Any], modules: tuple[str, ...] = (), sources: tuple[str, ...] = ()
) -> dict[str, Any]:
    """What the key of a teacher that is not trained here is a digest of (see `nbutils.training.teacher_specs`).

    Args:
        fields: The teacher as JSON; its name, and where its files lie, do not count.
        modules: Modules of its class or function; see `roots`.
        sources: Sources of it.
    """
    counting = {name: value for name, value in fields.items() if name not in ("name", "file", "weights")}
    for name in {"module", "function"} & counting.keys():  # of a kind with a source, its digest counts
        if isinstance(counting[name], dict):
            counting[name] = {key: value for key, value in counting[name].items() if key != "source"}
    return {"teacher": counting, "code": closure(("nbutils.training.teacher_specs", *modules), sources)}


def check_options(name: str, make: Callable[..., Any], options: dict[str, Any], taken: int = 0) -> None:
    """Checks that a constructor takes these options.

    Args:
        name: What an error calls it.
        make: The class or function.
        options: By name.
        taken: How many of its first parameters are given otherwise.

    Raises:
        ParameterError: It takes no such option.
    """
    parameters = list(inspect.signature(make).parameters.values())
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
        return
    known = [parameter.name for parameter in parameters][taken:]
    for option in options:
        if option not in known:
            raise ParameterError(f"{name} takes no '{option}'; it takes {', '.join(known) or 'no options'}")


def _by_name(name: str, package: str, base: str) -> Kind:
    if ":" not in name:
        if name not in classes(package, base):
            raise ParameterError(f"{package} has no '{name}'; it has {', '.join(sorted(classes(package, base)))}")
        return Kind(name=name)
    return Kind(name=name, digest=file_digest(name.partition(":")[0]))


def _of_object(value: Any, package: str, base: str) -> Kind:  # noqa: ANN401
    if value in _MADE:
        return _MADE[value]
    name, module = value.__qualname__, value.__module__
    if "<" in name or "." in name:
        raise ParameterError(
            f"{name} stands inside another function or class, or has no name: define it at the top level of a cell or "
            "file, so that a spec can name it"
        )
    if classes(package, base).get(name) == module:
        return Kind(name=name)
    if module != "__main__" and getattr(sys.modules.get(module), name, None) is value:
        kind = Kind(name=f"{module}:{name}", digest=file_digest(module))
        _LIVE[kind.name, kind.digest] = value
        _MADE[value] = kind
        return kind
    source = self_contained_source(value)
    kind = Kind(name=name, digest=source_digest(source), source=source)
    resolve(kind, package, base)
    return kind


def _import(kind: Kind) -> Any:  # noqa: ANN401
    module, _, name = kind.name.partition(":")
    try:
        found = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise ParameterError(f"{kind.name} cannot be imported ({error}): its file must be on Python's path") from error
    now = file_digest(module)
    if now != kind.digest:
        raise ParameterError(
            f"{kind.name} is not what the spec was written with: its source has digest {now}, expected {kind.digest}"
        )
    return found


def _run(kind: Kind) -> Any:  # noqa: ANN401
    if source_digest(kind.source) != kind.digest:
        raise ParameterError(f"the source of {kind.name} does not have the digest that the spec gives it")
    module = ModuleType(f"nbutils_cell_{kind.digest}")
    file = f"<source of {kind.name} in a spec, {kind.digest}>"
    linecache.cache[file] = (len(kind.source), None, kind.source.splitlines(keepends=True), file)
    sys.modules[module.__name__] = module
    try:
        exec(compile(kind.source, file, "exec"), module.__dict__)
        return getattr(module, kind.name)
    except Exception as error:  # whatever its author wrote
        raise ParameterError(f"the source of {kind.name} does not run: {type(error).__name__}: {error}") from error
