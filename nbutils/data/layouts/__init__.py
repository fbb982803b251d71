"""The forms in which face data sets are passed around: recognised from a path, or named.

Each layout is a module that says whether a path looks like it (`recognises`) and opens it (`open_…`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from nbutils.data.collection import Collection
from nbutils.data.layouts import image_folder, image_list
from nbutils.errors import DataError, ParameterError


@dataclass(frozen=True)
class Layout:
    """One form of data set on disk.

    Attributes:
        shape: what its files look like, for help texts and errors.
        recognises: whether a path looks like it, from names of files alone.
        open: reads its lists and finds its images; decodes none.
    """

    shape: str
    recognises: Callable[[Path], bool]
    open: Callable[[Path], Collection]


#: Every layout by its name; where several recognise a path, the first is taken.
LAYOUTS: dict[str, Layout] = {
    "image_list": Layout(
        "a CSV file (images.csv) with a row an image: path and annotations",
        image_list.recognises,
        image_list.open_image_list,
    ),
    "image_folder": Layout(
        "one folder an identity, with its images", image_folder.recognises, image_folder.open_image_folder
    ),
}


def recognise(root: Path) -> str:
    """Name of the layout that a folder or file has.

    Raises:
        DataError: If there is nothing at the path, or no layout recognises it; the error says what was looked for.
    """
    if not root.exists():
        raise DataError(f"{root}: there is no such folder or file")
    for name, layout in LAYOUTS.items():
        if layout.recognises(root):
            return name
    known = "; ".join(f"{name}: {layout.shape}" for name, layout in LAYOUTS.items())
    raise DataError(f"{root}: no layout recognises it. Looked for {known}")


def open_collection(root: str | Path, layout: str | None = None) -> Collection:
    """Opens a data set on disk.

    Args:
        root: Its folder, or its one file.
        layout: A key of `LAYOUTS`; None: recognised from the path.

    Raises:
        DataError: naming file, line and what was expected, if it is not of the layout or damaged.
        ParameterError: If there is no such layout.
    """
    root = Path(root)
    name = recognise(root) if layout is None else layout
    if name not in LAYOUTS:
        raise ParameterError(f"layout is {layout!r}: expected one of {', '.join(LAYOUTS)}")
    if not root.exists():
        raise DataError(f"{root}: there is no such folder or file")
    return LAYOUTS[name].open(root)
