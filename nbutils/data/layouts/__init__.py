"""The forms in which face data sets are passed around: recognised from a path, or named.

Each layout is a module that says whether a path looks like it (`recognises`) and opens it (`open_…`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from nbutils.data.collection import ANNOTATIONS, Annotation, Collection
from nbutils.data.layouts import (
    celeba,
    idx_folder,
    image_folder,
    image_list,
    lfw,
    msceleb_tsv,
    pack,
    pair_bin,
    record_folder,
)
from nbutils.errors import DataError, ParameterError


@dataclass(frozen=True)
class Layout:
    """One form of data set on disk.

    Attributes:
        shape: what its files look like, for help texts and errors.
        recognises: whether a path looks like it, from names of files alone.
        open: reads its lists and finds its images; decodes none.
        write: writes a collection into an empty folder; annotations that it does not hold are left out. None for packs,
            whose images are no longer the collection's own.
        holds: the annotations that its files can hold.
    """

    shape: str
    recognises: Callable[[Path], bool]
    open: Callable[[Path], Collection]
    write: Callable[[Collection, Path], None] | None = None
    holds: tuple[Annotation, ...] = ()


#: Every layout by its name; where several recognise a path, the first is taken.
LAYOUTS: dict[str, Layout] = {
    "pack": Layout(
        "pack.json and what it describes, as `nbutils data pack` writes it", pack.recognises, pack.open_pack
    ),
    "lfw": Layout(
        "LFW: lfw-deepfunneled/<Name>/<Name>_0001.jpg, with people*.txt and pairs*.txt beside it",
        lfw.recognises,
        lfw.open_lfw,
        lfw.write_lfw,
        ("identity", "partition", "pairs"),
    ),
    "celeba": Layout(
        "CelebA, aligned: img_align_celeba/ and list_attr_celeba, identity_CelebA, … (.txt or .csv)",
        celeba.recognises_aligned,
        celeba.open_aligned,
        celeba.write_aligned,
        ("identity", "attributes", "landmarks", "partition", "pairs"),
    ),
    "celeba_in_the_wild": Layout(
        "CelebA in the wild: img_celeba/ and the same lists",
        celeba.recognises_in_the_wild,
        celeba.open_in_the_wild,
        celeba.write_in_the_wild,
        ("identity", "attributes", "landmarks", "boxes", "partition", "pairs"),
    ),
    "recordio": Layout(
        "RecordIO: train.rec, and perhaps train.idx, train.lst, property",
        record_folder.recognises,
        record_folder.open_record_folder,
        record_folder.write_record_folder,
        ("identity", "attributes", "landmarks", "pairs"),
    ),
    "pair_bin": Layout(
        "a .bin file of pairs, as the face benchmarks have them",
        pair_bin.recognises,
        pair_bin.open_pair_bin,
        pair_bin.write_pair_bin,
        ("pairs",),
    ),
    "msceleb_tsv": Layout(
        "MS-Celeb-1M: a .tsv file of seven columns, the images in base64",
        msceleb_tsv.recognises,
        msceleb_tsv.open_msceleb_tsv,
        msceleb_tsv.write_msceleb_tsv,
        ("identity", "pairs"),
    ),
    "idx": Layout(
        "MNIST: train-images-idx3-ubyte and so on, plain or .gz",
        idx_folder.recognises,
        idx_folder.open_idx_folder,
        idx_folder.write_idx_folder,
        ("identity", "partition"),
    ),
    "image_list": Layout(
        "a CSV file (images.csv) with a row an image: path and annotations",
        image_list.recognises,
        image_list.open_image_list,
        image_list.write_image_list,
        ANNOTATIONS,
    ),
    "image_folder": Layout(
        "one folder an identity, with its images",
        image_folder.recognises,
        image_folder.open_image_folder,
        image_folder.write_image_folder,
        ("identity", "pairs"),
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
    try:
        return LAYOUTS[name].open(root)
    except OSError as error:  # no permission, a disk that fails
        raise DataError(f"{error.filename or root}: cannot be read: {error.strerror or error}") from error


def write_collection(collection: Collection, root: str | Path, layout: str) -> None:
    """Writes a collection in any layout: its images' encoded bytes, and what the layout holds of its annotations.

    Args:
        collection: Any.
        root: A folder that does not exist yet; it appears when all is written.
        layout: A key of `LAYOUTS`; its `holds` says which annotations are kept.

    Raises:
        DataError: If the folder is there, cannot be written, or the collection has not what the layout needs.
        ParameterError: If there is no such layout.
    """
    root = Path(root)
    write = LAYOUTS[layout].write if layout in LAYOUTS else None
    if write is None:
        known = ", ".join(name for name, known in LAYOUTS.items() if known.write)
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
