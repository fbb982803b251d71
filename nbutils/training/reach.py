"""Whether today's code would reach a stored result again: by its key.json alone, and without running anything of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from graphlib import TopologicalSorter
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from nbutils.errors import ParameterError
from nbutils.registry import classes
from nbutils.training.base import digest
from nbutils.training.digest import module_digest, source_file
from nbutils.training.kinds import LOSSES, MODELS, Kind, file_digest, given_content, roots

#: "unclear": what decides it is not here, such as a file of one's own that is not on Python's path.
Reached = Literal["reached", "stale", "unclear"]
Verdict = tuple[Reached, tuple[str, ...]]

#: Name of the entry of a source that stands in the spec itself, among the digests of code.
_SOURCE = "source "
_MODULE = re.compile(r"\w+(\.\w+)*")


@dataclass(frozen=True)
class Content:
    """What a key is a digest of, read from key.json and checked in its form alone.

    Attributes:
        spec: The spec as JSON, without name, data, teachers and predecessor; empty of cached answers.
        data: Fingerprint of the data.
        teachers: Keys of its teachers, in order.
        initialise_from: Key of its predecessor, or None.
        code: Name of a module to the digest of its source.
        torch: Version of PyTorch.
        is_answers: Whether these are cached answers of the teachers, and no training.
    """

    spec: dict[str, Any]
    data: str
    teachers: tuple[str, ...]
    initialise_from: str | None
    code: dict[str, str]
    torch: str
    is_answers: bool

    @property
    def before(self) -> tuple[str, ...]:
        """Keys of all that was needed to make it."""
        return (*self.teachers, *([self.initialise_from] if self.initialise_from else []))

    @classmethod
    def read(cls, content: Any) -> Content:  # noqa: ANN401 (JSON)
        """Reads parsed JSON.

        Raises:
            ValueError: It is not what a key is a digest of.
        """
        if not isinstance(content, dict):
            raise ValueError("expected a mapping")
        is_answers = "answers of" in content
        spec, code = content.get("spec", {} if is_answers else None), content.get("code")
        teachers = content.get("answers of" if is_answers else "teacher")
        first = content.get("initialise_from")
        if not isinstance(spec, dict) or not (is_answers or {"model", "objective"} <= spec.keys()):
            raise ValueError("expected a 'spec' with a model and an objective")
        if not isinstance(teachers, list) or not all(isinstance(key, str) for key in [*teachers, first or ""]):
            raise ValueError("expected keys of teachers")
        if not isinstance(code, dict) or not all(isinstance(value, str) for value in code.values()):
            raise ValueError("expected 'code', digests by module")
        if bad := [name for name in code if not (name.startswith(_SOURCE) or _MODULE.fullmatch(name))]:
            raise ValueError(f"'code' names {bad[0]!r}, which is no module")
        texts = (content.get("data"), content.get("torch"))
        if not all(isinstance(text, str) for text in texts):
            raise ValueError("expected 'data' and 'torch'")
        return cls(spec, str(texts[0]), tuple(teachers), first, code, str(texts[1]), is_answers)


class Reach:
    """Judges the results of one store.

    A result is reached if each module that decided it has the same digest now, PyTorch has the same version, and its
    teachers and its predecessor are reached. A module that has come to be imported since cannot be missed: the module
    that imports it has changed.

    Args:
        contents: What each key of the store is a digest of.
        given: Key to the JSON of each teacher that some spec of the store takes from a file or function.
    """

    def __init__(self, contents: Mapping[str, Content], given: Mapping[str, dict[str, Any]]) -> None:
        self._given = given
        self._known: dict[str, Verdict] = {}
        order = TopologicalSorter({key: content.before for key, content in contents.items()})
        for key in order.static_order():
            if key in contents:
                self._known[key] = _joined(self._reasons(contents[key]))

    def of(self, key: str) -> Verdict:
        """Whether a result of the store is reached, and if not, why."""
        return self._known[key]

    def _reasons(self, content: Content) -> Iterator[Verdict]:
        yield from map(_module, content.code, content.code.values())
        if content.torch != torch_version():
            yield "stale", (f"made with torch {content.torch}, this is {torch_version()}",)
        yield from _kinds(content)
        for key in content.teachers:
            yield self._before(key, "teacher")
        if content.initialise_from:
            yield self._before(content.initialise_from, "predecessor")

    def _before(self, key: str, what: str) -> Verdict:
        """Of a teacher or predecessor, as a reason for what needs it."""
        if key in self._known:
            state, _ = self._known[key]
            told = {"stale": f"its {what} {key[:12]}… is stale", "unclear": f"its {what} {key[:12]}… is unclear"}
            return state, () if state == "reached" else (told[state],)
        if key in self._given:
            return _given(key, self._given[key])
        return "unclear", (f"its {what} {key[:12]}… is not in the store, so that its code is not known",)


@cache
def torch_version() -> str:
    """PyTorch's `__version__`, read without importing it; the package's metadata leave the build out."""
    spec = find_spec("torch")
    if spec is not None and spec.origin is not None:
        text = Path(spec.origin).with_name("version.py").read_text(encoding="utf-8")
        if found := re.search(r"^__version__ = ['\"](.+)['\"]$", text, re.MULTILINE):
            return found[1]
    import torch

    return torch.__version__


def _joined(reasons: Iterable[Verdict]) -> Verdict:
    """One verdict of several: stale, if one of them says so."""
    found: dict[Reached, list[str]] = {"reached": [], "stale": [], "unclear": []}
    for state, why in reasons:
        found[state] += why
    for state in ("stale", "unclear"):
        if found[state]:
            return state, tuple(dict.fromkeys(found[state]))
    return "reached", ()


@cache
def _module(name: str, expected: str) -> Verdict:
    """Whether a module is as it was; sources that stand in a spec always are."""
    if name.startswith(_SOURCE):
        return "reached", ()
    if name == "__main__":
        return "unclear", ("made by a script whose own code cannot be looked up",)
    try:
        found = module_digest(name)
    except (OSError, ValueError) as error:
        return "unclear", (f"{name} cannot be read: {error}",)
    if found == expected:
        return "reached", ()
    if found is not None:
        return "stale", (f"{source_file(name)} has changed since",)
    if name.partition(".")[0] == "nbutils":
        return "stale", (f"{name} is gone",)
    return "unclear", (f"{name} is not on Python's path here",)


def _kinds(content: Content) -> Iterator[Verdict]:
    """Whether what the spec names still has the digest that it has there, or is where it was."""
    if content.is_answers:
        return
    model, terms = content.spec["model"], content.spec["objective"]
    named = [(MODELS, model)] + [(LOSSES, term) for term in (terms.values() if isinstance(terms, dict) else ())]
    for (package, base), each in named:
        kind = each.get("kind") if isinstance(each, dict) else None
        if isinstance(kind, str):
            module = classes(package, base).get(kind)
            if module is None:
                yield "stale", (f"{package} has no {kind} any more",)
            elif module not in content.code:
                yield "stale", (f"{kind} is another one now, that of {source_file(module)}",)
        else:
            yield _own(kind)


def _own(kind: object) -> Verdict:
    """Of a class or function of one's own, or of an installed package."""
    if not isinstance(kind, dict) or not isinstance(kind.get("name"), str):
        return "unclear", ("its spec names a class in a form that is not known",)
    if kind.get("source"):
        return "reached", ()
    module = kind["name"].partition(":")[0]
    try:
        if file_digest(module) == kind.get("digest"):
            return "reached", ()
    except (ParameterError, OSError, ValueError):
        return "unclear", (f"{module} is not on Python's path here",)
    return "stale", (f"{kind['name']} has changed since",)


def _given(key: str, teacher: dict[str, Any]) -> Verdict:
    """Of a teacher from a file or function: its key can be made anew from its JSON, without opening the file."""
    told = f"its teacher '{teacher.get('name')}'"
    kind = teacher.get("module", teacher.get("function"))
    try:
        modules: tuple[str, ...] = ()
        sources: tuple[str, ...] = ()
        if kind is not None:
            state, why = _own(kind) if isinstance(kind, dict) else ("reached", ())
            if state != "reached":
                return state, tuple(f"{told}: {reason}" for reason in why)
            named = Kind.model_validate(kind if isinstance(kind, dict) else {"name": kind})
            modules, sources = roots(named, *MODELS)
        if digest(given_content(teacher, modules, sources)) == key:
            return "reached", ()
    except (ParameterError, KeyError, SyntaxError, OSError, ValueError, RecursionError, MemoryError) as error:
        return "unclear", (f"{told} cannot be looked up: {error}",)
    return "stale", (f"the code that asks {told.removeprefix('its ')} has changed since",)
