"""What a layout offers, and the registry that finds every layout by scanning this folder.

A layout is a form in which face data sets are passed around. Each has a module here, whose `LAYOUTS` says how to
recognise, open and write it. A new file in this folder is all that a new layout needs.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType

from nbutils.data.bucket_copy import local_root
from nbutils.data.collection import Annotation, Collection
from nbutils.errors import DataError, ParameterError


@dataclass(frozen=True)
class Layout:
    """One form of data set on disk.

    Attributes:
        name: what users call it.
        shape: what its files look like, for help texts and errors.
        recognises: whether a path looks like it, from names of files alone.
        open: reads its lists and finds its images; decodes none.
        write: writes a collection into an empty folder; annotations that it does not hold are left out. None for packs,
            whose images are no longer the collection's own.
        holds: the annotations that its files can hold.
        rank: where several layouts recognise a path, the one of the lowest rank is taken: forms with names of their own
            have low ranks, those that any folder may resemble have high ones.
    """

    name: str
    shape: str
    recognises: Callable[[Path], bool]
    open: Callable[[Path], Collection]
    write: Callable[[Collection, Path], None] | None = None
    holds: tuple[Annotation, ...] = ()
    rank: int = 50


@cache
def known_layouts() -> Mapping[str, Layout]:
    """Every layout by its name, in the order of recognition: by rank, then by name.

    Example:
        >>> from nbutils.data import known_layouts
        >>> known_layouts()["image_folder"].shape
        'one folder an identity, with its images'
    """
    found = sorted(_scan(), key=lambda layout: (layout.rank, layout.name))
    return MappingProxyType({layout.name: layout for layout in found})


def layout_module(name: str) -> str:
    """Dotted name of the module that defines a layout.

    Raises:
        ParameterError: If there is no such layout.
    """
    return _scan()[_known(name)]


@cache
def _scan() -> dict[Layout, str]:
    """The module of each layout. Nothing else imports them all, so that reading one layout depends on no other."""
    found: dict[Layout, str] = {}
    for file in pkgutil.iter_modules([str(Path(__file__).parent)], f"{__package__}."):
        layouts: tuple[Layout, ...] = getattr(importlib.import_module(file.name), "LAYOUTS", ())
        found |= dict.fromkeys(layouts, file.name)
    return found


def _known(name: str) -> Layout:
    if name not in known_layouts():
        raise ParameterError(f"layout is {name!r}: expected one of {', '.join(known_layouts())}")
    return known_layouts()[name]


def recognise(root: Path) -> str:
    """Name of the layout that a folder or file has.

    Raises:
        DataError: If there is nothing at the path, it cannot be read, or no layout recognises it; the error says what
            was looked for.

    Example:
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> from nbutils.data import recognise
        >>> with TemporaryDirectory() as folder:
        ...     image = Path(folder, "Ann", "1.pgm")
        ...     image.parent.mkdir()
        ...     _ = image.write_bytes(b"P5 2 1 255 " + bytes(2))
        ...     recognise(Path(folder))
        'image_folder'
    """
    try:
        if not root.exists():
            raise DataError(f"{root}: there is no such folder or file")
        for name, layout in known_layouts().items():
            if layout.recognises(root):
                return name
    except OSError as error:  # a folder that may not be entered
        raise DataError(f"{error.filename or root}: cannot be read: {error.strerror or error}") from error
    known = "; ".join(f"{name}: {layout.shape}" for name, layout in known_layouts().items())
    raise DataError(f"{root}: no layout recognises it. Looked for {known}")


def open_collection(root: str | Path, layout: str | None = None) -> Collection:
    """Opens a data set on disk.

    Args:
        root: Its folder, or its one file; by path, or by the URL of a bucket, from which it is copied.
        layout: Name of a layout, see `known_layouts`; None: recognised from the path.

    Raises:
        DataError: naming file, line and what was expected, if it is not of the layout or damaged.
        ParameterError: If there is no such layout.

    Example:
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> from nbutils.data import open_collection
        >>> with TemporaryDirectory() as root:
        ...     image = Path(root, "Ann", "1.pgm")
        ...     image.parent.mkdir()
        ...     _ = image.write_bytes(b"P5 2 1 255 " + bytes(2))
        ...     faces = open_collection(root)
        ...     faces.layout, faces.identity_names, faces.image(0).shape
        ('image_folder', ('Ann',), (1, 2, 3))
    """
    root = local_root(root)
    form = _known(recognise(root) if layout is None else layout)
    try:
        if not root.exists():
            raise DataError(f"{root}: there is no such folder or file")
        return form.open(root)
    except OSError as error:  # no permission, a disk that fails
        raise DataError(f"{error.filename or root}: cannot be read: {error.strerror or error}") from error


def write_collection(collection: Collection, root: str | Path, layout: str) -> None:
    """Writes a collection in any layout: its images' encoded bytes, and what the layout holds of its annotations.

    Args:
        collection: Any.
        root: A folder that does not exist yet; it appears when all is written.
        layout: Name of a layout; its `holds` says which annotations are kept.

    Raises:
        DataError: If the folder is there, cannot be written, or the collection lacks what the layout needs.
        ParameterError: If there is no such layout.

    Example:
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> from nbutils.data import Collection, open_collection, write_collection
        >>> faces = Collection("mine", Path("mine"), names=["a", "b"], read=lambda at: b"P5 2 1 255 " + bytes([at, at]))
        >>> with TemporaryDirectory() as folder:
        ...     write_collection(faces, f"{folder}/faces", "image_list")
        ...     len(open_collection(f"{folder}/faces"))
        2
    """
    root = Path(root)
    write = known_layouts()[layout].write if layout in known_layouts() else None
    if write is None:
        known = ", ".join(name for name, known in known_layouts().items() if known.write)
        raise ParameterError(f"layout is {layout!r}: expected one of {known}")
    if root.exists():
        raise DataError(f"{root}: is there already, expected a new folder")
    try:
        root.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix=f".{root.name}-", dir=root.parent) as aside:
            whole = Path(aside) / "whole"
            whole.mkdir()
            write(collection, whole)
            whole.rename(root)
    except OSError as error:
        raise DataError(f"{root}: cannot be written: {error.strerror or error}") from error
