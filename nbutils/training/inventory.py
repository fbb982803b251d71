"""What a store holds, read as plain JSON: no spec is made of it, and no source in it is run or imported."""

from __future__ import annotations

import json
import re
import stat
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from filelock import FileLock, Timeout

from nbutils.errors import StoreError
from nbutils.training.base import digest
from nbutils.training.reach import Content, Reach
from nbutils.training.result_files import DIGESTS_FILE, KEY_FILE, ORIGIN_FILE, is_written, read_digests

#: "half-written": a result that is being written, or was when its process ended.
EntryKind = Literal["training", "cached answers", "unfinished", "half-written", "older format", "foreign"]
#: "reached", "stale" and "unclear": see `nbutils.training.reach`; "running": a process holds the lock of its key;
#: "left over": of no use to anybody; "damaged": not as it was written.
State = Literal["reached", "stale", "unclear", "running", "left over", "damaged", "foreign"]

_NAMES = re.compile(r"([0-9a-f]{32})(|\.partial|\.new-[a-z0-9_]{8}|\.lock|\.spec)")


@dataclass(frozen=True)
class Entry:
    """One folder of a store, or what else lies there.

    Attributes:
        path: Where it is.
        kind: What it is.
        key: Its key; empty of what is foreign.
        state: Whether today's code reaches it.
        why: What speaks against it.
        name: Of the training, or what describes a result without a name.
        notebook: Which made it; empty where that is not known, as all that follows.
        host: Machine that made it.
        made: When, in seconds since 1970.
        torch: Version of PyTorch.
        files: Name to size in bytes.
        strange: Names of those that the store did not write.
        spec: The spec as JSON.
        content: What its key is a digest of.
    """

    path: Path
    kind: EntryKind
    key: str = ""
    state: State = "foreign"
    why: tuple[str, ...] = ()
    name: str = ""
    notebook: str = ""
    host: str = ""
    made: float | None = None
    torch: str = ""
    files: Mapping[str, int] = field(default_factory=dict)
    strange: tuple[str, ...] = ()
    spec: Mapping[str, Any] = field(default_factory=dict)
    content: Content | None = None

    @property
    def size(self) -> int:
        """Bytes of its files."""
        return sum(self.files.values())

    @property
    def is_result(self) -> bool:
        """Whether it was published, whole."""
        return self.kind in ("training", "cached answers", "older format")


@dataclass(frozen=True)
class Inventory:
    """All that lies in a store.

    Attributes:
        root: The store.
        entries: Its folders, the oldest first, then what is foreign in it.
        locks: Key to lock file.
        specs: Key to the file that says what is to be trained.
    """

    root: Path
    entries: tuple[Entry, ...]
    locks: Mapping[str, Path]
    specs: Mapping[str, Path] = field(default_factory=dict)

    def find(self, beginning: str) -> Entry:
        """The entry whose key begins so; the result, where there are remains of the same key too.

        Raises:
            StoreError: There is none, there are several, or it is damaged.
        """
        found: dict[str, Entry] = {}
        for entry in self.entries:
            if entry.key and entry.key.startswith(beginning.lower()) and (entry.is_result or entry.key not in found):
                found[entry.key] = entry
        if not found:
            raise StoreError(f"nothing in {self.root} has a key that begins with {beginning!r}")
        if len(found) > 1:
            named = ", ".join(f"{key[:12]}… ({entry.name or entry.kind})" for key, entry in [*found.items()][:5])
            more = f" and {len(found) - 5} more" if len(found) > 5 else ""
            raise StoreError(f"{len(found)} keys begin with {beginning!r}: {named}{more}; expected one")
        (entry,) = found.values()
        if entry.state == "damaged":
            raise StoreError(f"{entry.path} is damaged: {entry.why[0]}")
        return entry


def read_inventory(root: Path) -> Inventory:
    """Reads what a store holds, and judges what today's code reaches.

    Raises:
        StoreError: There is no such folder, or it cannot be read.
    """
    read: list[Entry] = []
    locks: dict[str, Path] = {}
    specs: dict[str, Path] = {}
    try:
        for path in sorted(root.iterdir()):
            key, suffix = matched.groups() if (matched := _NAMES.fullmatch(path.name)) else ("", "")
            about = path.lstat()
            if suffix == ".lock" and stat.S_ISREG(about.st_mode) and not about.st_size:
                locks[key] = path
            elif suffix == ".spec" and stat.S_ISREG(about.st_mode):
                specs[key] = path
            elif key and suffix not in (".lock", ".spec") and stat.S_ISDIR(about.st_mode):
                with suppress(FileNotFoundError):  # another process has just removed it
                    read.append(_entry(path, key, suffix))
            else:
                read.append(Entry(path, "foreign", name=path.name))
    except FileNotFoundError:
        raise StoreError(f"there is no store at {root}: nothing has been trained into it") from None
    except OSError as error:
        raise StoreError(f"{root} cannot be read as a store: {error.strerror}") from error
    entries = sorted(_judged(read), key=lambda entry: (entry.kind == "foreign", entry.made or 0, entry.path.name))
    return Inventory(root, tuple(entries), locks, specs)


def read_mapping(file: Path) -> dict[str, Any]:
    """A JSON file of a store that holds a mapping.

    Raises:
        StoreError: It cannot be read, or holds something else.
    """
    found = _json(file)
    if not isinstance(found, dict):
        raise StoreError(f"{file.name}: expected a mapping")
    return found


def is_held(root: Path, key: str) -> bool:
    """Whether a process holds the lock of a key, or whether that cannot be found out."""
    file = root / f"{key}.lock"
    try:
        before = file.stat().st_ino
        with FileLock(file, timeout=0):
            if file.stat().st_ino != before:  # its holder has removed it meanwhile, and this is a new one
                file.unlink()
            return False
    except FileNotFoundError:
        return False
    except (Timeout, OSError, NotImplementedError):
        return True


def _entry(path: Path, key: str, suffix: str) -> Entry:
    """Reads one of the store's folders, without judging it."""
    about = {file.name: file.lstat() for file in path.iterdir()}
    files = {name: found.st_size for name, found in about.items()}
    no_files = {name for name, found in about.items() if not stat.S_ISREG(found.st_mode)}
    written = max(found.st_mtime for found in [path.lstat(), *about.values()])
    if suffix:
        kind: EntryKind = "unfinished" if suffix == ".partial" else "half-written"
        strange = {name for name in files if not is_written(name)} | no_files
        entry = Entry(path, kind, key, "left over", made=written, files=files, strange=tuple(sorted(strange)))
        return _described(entry) if kind == "unfinished" else entry
    kind = "cached answers" if "features.npy" in files else "training"
    entry = Entry(path, kind, key, "unclear", made=written, files=files)
    try:
        listed = {*read_digests(path), DIGESTS_FILE}
    except (OSError, ValueError) as error:
        return replace(entry, state="damaged", why=(str(error),))
    entry = replace(entry, strange=tuple(sorted((files.keys() - listed) | no_files)))
    if lacking := sorted(listed - files.keys()):
        return replace(entry, state="damaged", why=(f"{lacking[0]} is missing",))
    return _described(replace(entry, kind=kind if KEY_FILE in listed else "older format"))


def _described(entry: Entry) -> Entry:
    """The entry with what its JSON files say."""
    try:
        if KEY_FILE in entry.files:
            content = _json(entry.path / KEY_FILE)
            if digest(content) != entry.key:
                raise StoreError(f"{KEY_FILE} is not what its key is a digest of")
            try:
                read = Content.read(content)
            except ValueError as error:
                raise StoreError(f"{KEY_FILE}: {error}") from None
            kind = read.spec.get("model", {}).get("kind", "") if isinstance(read.spec.get("model"), dict) else ""
            name = kind.get("name", "") if isinstance(kind, dict) else kind
            entry = replace(entry, content=read, torch=read.torch, spec=read.spec, name=str(name))
        if ORIGIN_FILE in entry.files:
            origin = read_mapping(entry.path / ORIGIN_FILE)
            made = origin.get("time")
            entry = replace(
                entry,
                notebook=str(origin.get("notebook", "")),
                host=str(origin.get("host", "")),
                made=float(made) if isinstance(made, int | float) else entry.made,
            )
        if "spec.json" in entry.files:
            spec = read_mapping(entry.path / "spec.json")
            entry = replace(entry, spec=spec, name=str(spec.get("name", "")))
    except StoreError as error:
        return replace(entry, state="damaged", why=(str(error),))
    return entry


def _judged(entries: list[Entry]) -> Iterator[Entry]:
    """The entries with their states, and cached answers with the names of their teachers."""
    contents = {e.key: e.content for e in entries if e.content is not None and not e.is_result}
    contents |= {e.key: e.content for e in entries if e.content is not None and e.is_result}
    given = {key: teacher for entry in entries for key, teacher in _given_teachers(entry)}
    names = {entry.key: entry.name for entry in entries if entry.is_result}
    names |= {key: str(teacher.get("name", "")) for key, teacher in given.items()}
    results = {entry.key for entry in entries if entry.is_result and entry.state != "damaged"}
    reach = Reach(contents, given)
    for entry in entries:
        if entry.kind == "cached answers" and entry.content is not None:
            told = ", ".join(names.get(key) or f"{key[:12]}…" for key in entry.content.teachers)
            entry = replace(entry, name=f"of {told}")
        yield _with_state(entry, reach, results)


def _with_state(entry: Entry, reach: Reach, results: Collection[str]) -> Entry:
    if entry.kind == "foreign":
        return entry
    if not entry.is_result:
        if is_held(entry.path.parent, entry.key):
            return replace(entry, state="running", why=("a process holds its lock, or it cannot be tried here",))
        if entry.kind == "half-written":
            return replace(entry, why=("the process that wrote it has ended",))
        if entry.key in results:
            return replace(entry, state="left over", why=("its result is in the store",))
    if entry.state == "damaged":
        return entry
    if entry.content is None:
        return replace(entry, state="stale", why=(f"made by an older version, which kept no {KEY_FILE}",))
    state, why = reach.of(entry.key)
    return replace(entry, state=state, why=why)


def _given_teachers(entry: Entry) -> Iterator[tuple[str, dict[str, Any]]]:
    """Key and JSON of each of a training's teachers that is no training itself."""
    teachers = entry.spec.get("teacher")
    if entry.kind == "training" and entry.content is not None and isinstance(teachers, list):
        for key, teacher in zip(entry.content.teachers, teachers, strict=False):
            if isinstance(teacher, dict) and "kind" in teacher:
                yield key, teacher


def _json(file: Path) -> Any:  # noqa: ANN401 (JSON)
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise StoreError(f"{file.name} cannot be read: {error}") from None
