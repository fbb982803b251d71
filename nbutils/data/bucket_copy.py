"""Data sets in a bucket: a copy on this machine, which holds what the bucket holds."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Annotated

from filelock import FileLock
from pydantic import StringConstraints
from tqdm.auto import tqdm

from nbutils.buckets import open_bucket, reaching
from nbutils.errors import DataError
from nbutils.paths import cache_of, is_url
from nbutils.writing import write_aside

#: Type of a pydantic field: a folder or file of this machine, or a URL such as s3://bucket/faces.
Root = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+://")] | Path

#: Objects that are copied at once.
_AT_ONCE = 16
#: Versions of the objects that a copy holds.
_LISTING = "listing.json"
#: An object's size, and its tag or time.
_Version = list[int | str]


def as_root(place: str | Path) -> str | Path:
    """A place as a field of type `Root`: a URL stays a string.

    Example:
        >>> as_root("s3://bucket/faces")
        's3://bucket/faces'
    """
    return place if isinstance(place, str) and is_url(place) else Path(place)


def local_root(root: str | Path) -> Path:
    """The folder or file of a data set on this machine; what a URL names is copied, as far as it has changed.

    A process looks into a bucket once.

    Args:
        root: A path, or the URL of a file or of all that lies below it.

    Raises:
        DataError: There is nothing at the URL, it cannot be reached, or its copy cannot be written.
    """
    return _copied(root) if isinstance(root, str) and is_url(root) else Path(root)


def is_there(root: str) -> bool:
    """Whether there is something at a path or URL that this machine can read; nothing is copied."""
    if not is_url(root):
        return Path(root).exists()
    try:
        return bool(_Place(root).listed())
    except DataError:
        return False


@cache
def _copied(url: str) -> Path:
    place = _Place(url)
    folder = cache_of(url)
    with _writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / "lock"):
            listed, held = place.listed(), _held(folder)
            for name in held.keys() - listed.keys():
                (folder / name).unlink(missing_ok=True)
            held = {name: version for name, version in held.items() if listed.get(name) == version}
            try:
                for name in place.copy({name: listed[name] for name in sorted(listed.keys() - held.keys())}, folder):
                    held[name] = listed[name]
            finally:  # what has come is not copied again
                write_aside(folder / _LISTING, json.dumps(held))
    return folder / place.name


class _Place:
    """An object of a bucket, or all that lie below a prefix; names count from the parent of its URL."""

    def __init__(self, url: str) -> None:
        self.url = url
        parent, _, self.name = url.rstrip("/").rpartition("/")
        if parent.endswith("/"):
            raise DataError(f"{url}: expected a file or folder in a bucket, such as s3://bucket/faces")
        self._obstore, self._bucket = open_bucket(parent, DataError)

    def listed(self) -> dict[str, _Version]:
        """Every object's version by its name."""
        with self._reaching():
            found = [each for page in self._obstore.list(self._bucket, prefix=self.name) for each in page]
            with suppress(FileNotFoundError, self._obstore.exceptions.NotFoundError):
                found.append(self._obstore.head(self._bucket, self.name))
        if not found:
            raise DataError(f"{self.url}: there is no such folder or file")
        for each in found:
            if ".." in PurePosixPath(each["path"]).parts:
                raise DataError(f"{self.url}: expected files below it, found {each['path']!r}")
        return {each["path"]: [each["size"], each["e_tag"] or str(each["last_modified"])] for each in found}

    def copy(self, versions: Mapping[str, _Version], folder: Path) -> Iterator[str]:
        """Copies objects into a folder; yields each one's name when it is there."""
        total = sum(int(size) for size, _ in versions.values())
        pool = ThreadPoolExecutor(_AT_ONCE)
        try:
            copying = {pool.submit(self._copy_one, name, folder / name): name for name in versions}
            shown = tqdm(total=total, unit="B", unit_scale=True, desc=f"copying {self.url}", disable=None, leave=False)
            with shown:
                for done in as_completed(copying):
                    done.result()
                    shown.update(int(versions[copying[done]][0]))
                    yield copying[done]
        finally:
            pool.shutdown(cancel_futures=True)

    def _copy_one(self, name: str, file: Path) -> None:
        aside = file.with_name(f".{file.name}.part")
        file.parent.mkdir(parents=True, exist_ok=True)
        with self._reaching(), aside.open("wb") as target:
            for chunk in self._obstore.get(self._bucket, name).stream():
                target.write(chunk)
        aside.replace(file)

    def _reaching(self) -> AbstractContextManager[None]:
        return reaching(self._obstore, self.url, DataError)


def _held(folder: Path) -> dict[str, _Version]:
    """The versions of what was copied and is still there, whole."""
    try:
        found: dict[str, _Version] = json.loads((folder / _LISTING).read_bytes())
    except (OSError, ValueError):
        return {}
    return {name: version for name, version in found.items() if _size(folder / name) == version[0]}


def _size(file: Path) -> int | None:
    return file.stat().st_size if file.is_file() else None


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DataError(f"{error.filename or folder}: cannot be written: {error.strerror or error}") from error
