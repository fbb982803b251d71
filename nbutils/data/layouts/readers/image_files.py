"""Files of a data set: names confined to its root, images found, bytes and spans read, all with clear errors."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from nbutils.errors import DataError

#: File names that are taken for images.
IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".ppm", ".pgm"})
#: No encoded face is larger; a longer file or record is refused before it is read.
MAX_IMAGE_BYTES = 1 << 28
#: Most encoded faces are smaller.
_PIECE = 1 << 16

_STARTS = {b"\xff\xd8": ".jpg", b"\x89PNG": ".png", b"RIFF": ".webp", b"BM": ".bmp", b"P6": ".ppm", b"P5": ".pgm"}
_DRIVE = re.compile(r"[A-Za-z]:")


class Confined:
    """Finds the files that a list names, if they lie below the root.

    Args:
        root: Folder that the names are relative to.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._inside = {"": True}  # of each folder; resolving every single file would take a minute a million

    def __call__(self, name: str, where: str) -> Path:
        """The file of one name.

        Args:
            name: As the list has it, with forward slashes.
            where: File and line of the name, for the error.

        Raises:
            DataError: If the name is empty, absolute, holds `..` or control characters, or leaves the root by a link.
        """
        parts = name.split("/")
        if not name.isprintable() or "\\" in name or _DRIVE.match(name) or not all(parts) or {"..", "."} & set(parts):
            raise DataError(
                f"{where}: {name[:80]!r} is not a path below {self._root} (relative, no '..', no backslash)"
            )
        folder, path = name.rpartition("/")[0], self._root / name
        try:
            if folder not in self._inside:
                self._inside[folder] = self._below(path.parent)
            inside = self._inside[folder] and (not path.is_symlink() or self._below(path))
        except (OSError, RuntimeError, ValueError) as error:  # a loop of links; a name too long for the file system
            raise DataError(f"{where}: {name[:80]!r} cannot be looked up: {error}") from error
        if not inside:
            raise DataError(f"{where}: {name[:80]!r} points outside {self._root} through a link")
        return path

    def missing(self, names: Iterable[str], where: Callable[[int], str]) -> dict[int, str]:
        """Which of the named images do not exist: for each, by its number, an error that says where it is promised.

        Raises:
            DataError: As for one name.
        """
        at = enumerate(names)
        return {i: f"{where(i)}: image {name} does not exist" for i, name in at if not self(name, where(i)).is_file()}

    def _below(self, path: Path) -> bool:
        return path.resolve().is_relative_to(self._root.resolve())


def entries(folder: Path, root: Path) -> list[os.DirEntry[str]]:
    """What a folder holds, sorted by name, hidden files left out.

    Raises:
        DataError: If it cannot be read, a name is not UTF-8, or a link leaves the root.
    """
    try:
        with os.scandir(folder) as scan:
            found = sorted((entry for entry in scan if not entry.name.startswith(".")), key=lambda entry: entry.name)
    except OSError as error:
        raise DataError(f"{folder}: cannot be read: {error.strerror or error}") from error
    for entry in found:
        if not entry.name.isprintable():  # bytes that are no UTF-8 arrive as lone surrogates, which are not printable
            raise DataError(f"{folder}: the name {entry.name!r} is not printable UTF-8 text")
        if entry.is_symlink() and not Path(entry.path).resolve().is_relative_to(root.resolve()):
            raise DataError(f"{entry.path}: the link points outside {root}")
    return found


def image_files(folder: Path, root: Path) -> list[str]:
    """Names of the images directly in a folder, sorted."""
    return [e.name for e in entries(folder, root) if Path(e.name).suffix.lower() in IMAGE_SUFFIXES and e.is_file()]


def people_folders(folder: Path, root: Path) -> Iterator[tuple[str, list[str]]]:
    """Each folder in `folder` that holds images, with these, both sorted by name."""
    for entry in entries(folder, root):
        if entry.is_dir():
            images = image_files(Path(entry.path), root)
            if images:
                yield entry.name, images


def image_suffix(content: bytes) -> str:
    """The suffix that a file of these encoded bytes should have; a DataError for none of `IMAGE_SUFFIXES`."""
    for start, suffix in _STARTS.items():
        if content.startswith(start):
            return suffix
    raise DataError(f"an image begins with {content[:4].hex(' ') or 'nothing'}: expected JPEG, PNG, WebP, BMP or PPM")


def has_people_folders(folder: Path) -> bool:
    """Whether some folder in `folder` holds images."""
    return folder.is_dir() and next(people_folders(folder, folder), None) is not None


def only_file(root: Path, suffix: str, preferred: str = "") -> Path | None:
    """The one file of that suffix: the root itself, `preferred` in it, or the only one in it; None without one."""
    try:
        if root.is_file():
            return root if root.suffix == suffix else None
        found = sorted(path for path in root.glob(f"*{suffix}") if path.is_file())
    except OSError as error:
        raise DataError(f"{error.filename or root}: cannot be read: {error.strerror or error}") from error
    if preferred and root / preferred in found:
        return root / preferred
    return found[0] if len(found) == 1 else None


@dataclass(frozen=True)
class FileReader:
    """Reads image i from a file of its own.

    Attributes:
        root: folder of the names.
        names: one file an image, below the root.
        missing: errors of the images that are not there.
    """

    root: Path
    names: Sequence[str]
    missing: Mapping[int, str] = field(default_factory=dict)

    def __call__(self, index: int) -> bytes:
        """Encoded bytes of an image."""
        if index in self.missing:
            raise DataError(self.missing[index])
        return _read_file(f"{self.root}{os.sep}{self.names[index]}")


@dataclass(frozen=True, eq=False)
class SpanReader:
    """Reads image i from a span of one large file.

    Attributes:
        path: the file.
        start: (N,) int64, first byte of each image.
        stop: (N,) int64, the byte after its last.
    """

    path: Path
    start: npt.NDArray[np.int64]
    stop: npt.NDArray[np.int64]

    def __call__(self, index: int) -> bytes:
        """Encoded bytes of an image."""
        start, stop = int(self.start[index]), int(self.stop[index])
        return read_span(self.path, start, stop - start, f"{self.path}: image {index} at byte {start}")


def size_of(path: Path) -> int:
    """Bytes of a file; a DataError where it cannot be had."""
    try:
        return path.stat().st_size
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from error


def _read_file(path: str) -> bytes:
    """A whole file in as few system calls as can be: at each, threads that read images wait for one another."""
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        try:
            content = os.read(handle, _PIECE)
            if len(content) < _PIECE:
                return content
            length = os.fstat(handle).st_size
            if length > MAX_IMAGE_BYTES:
                raise DataError(f"{path}: {length:,} bytes, expected an image of at most {MAX_IMAGE_BYTES:,}")
            pieces = [content]
            while piece := os.read(handle, length):
                pieces.append(piece)
            return b"".join(pieces)
        finally:
            os.close(handle)
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from error


def read_span(path: Path, start: int, length: int, name: str) -> bytes:
    """Exactly `length` bytes of a file from `start`; a DataError naming `name` where they cannot be had."""
    if length > MAX_IMAGE_BYTES:
        raise DataError(f"{name}: {length:,} bytes, expected an image of at most {MAX_IMAGE_BYTES:,}")
    try:
        with path.open("rb") as file:
            file.seek(start)
            content = file.read(length)
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from error
    if len(content) != length:
        raise DataError(f"{name}: the file ends after {len(content):,} of {length:,} bytes")
    return content
