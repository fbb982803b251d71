"""Labeled Faces in the Wild from its own folder: `<root>/lfw-deepfunneled/<Name>/<Name>_0001.jpg` and lists.

Huang et al. 2007 (the data set and its protocols), Huang et al. 2012 (deep funnelling). Training takes the
people of one list, verification the pairs of another; no person may be in both.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image
from tqdm.auto import tqdm

from nbutils.data.crops import LFW_SIZE, Box, cut_box, face_box
from nbutils.data.faces import FaceData, Faces, Pairs
from nbutils.data.pairs import ImageName, ListedPerson, NamedPair, draw_pairs, read_pairs, read_people
from nbutils.errors import DataError, ParameterError

#: Where LFW's archives unpack to, best aligned first: deep-funnelled, funnelled, as found.
IMAGE_FOLDERS = ("lfw-deepfunneled", "lfw_funneled", "lfw")
#: Held-out people give at most so many matched, and as many mismatched, validation pairs.
MAX_VALIDATION_PAIRS = 3000

_HOW_TO_GET = (
    "To get LFW: unpack lfw-deepfunneled.tgz from http://vis-www.cs.umass.edu/lfw/ in the data root and put "
    "the lists beside it (peopleDevTrain.txt and pairsDevTest.txt, for ten folds pairs.txt). Where that "
    "homepage does not answer: torchvision's documentation names a mirror of the images, the Kaggle data set "
    "jessicali9530/lfw-dataset. All of LFW is 13,233 images of 5,749 people."
)


def load_lfw(
    root: Path,
    *,
    height: int,
    width: int,
    train_people: str = "peopleDevTrain.txt",
    test_pairs: str = "pairsDevTest.txt",
    min_images: int = 4,
    validation_people: float = 0.0,
    progress: bool = True,
) -> FaceData:
    """Load LFW's training people and verification pairs as cropped faces.

    Args:
        root: folder with one of `IMAGE_FOLDERS` and the two lists.
        height: rows of the cropped images, any margin for augmentation included.
        width: columns of the cropped images, likewise.
        train_people: list of the people to train on, in `root`.
        test_pairs: list of the pairs to verify, in `root`; development pairs are dealt into ten folds.
        min_images: people with fewer images in the list are left out.
        validation_people: share of the training people held out, chosen by seed 0 from their sorted names,
            for faces and pairs to tune on.
        progress: show a progress bar while images are decoded.

    Returns:
        training, test and (where asked for) validation faces, (N, height, width, 3) each, with their pairs.
        Identities are numbered by sorted name within each split.

    Raises:
        DataError: a missing root, list or image, a malformed list, an image that cannot be decoded, people
            in both training and test; naming the file, and the line where a list is at fault.
        ParameterError: a size, `min_images` or `validation_people` out of range.
    """
    box = face_box(height, width)
    if min_images < 1:
        raise ParameterError(f"min_images is {min_images}, expected at least 1")
    if not 0 <= validation_people < 1:
        raise ParameterError(f"validation_people is {validation_people}, expected a share in [0, 1)")
    images_dir, people_file, pairs_file = _locate(Path(root), train_people, test_pairs)

    people = sorted((p for p in read_people(people_file) if p.images >= min_images), key=lambda p: p.name)
    if not people:
        raise DataError(f"{people_file}: nobody has min_images = {min_images} images")
    named_pairs = read_pairs(pairs_file)
    _check_disjoint(people, named_pairs, people_file, pairs_file)

    # Each image with the list and line that promise it, so that a missing one can be traced.
    train_names = [(ImageName(p.name, n), p.line) for p in people for n in range(1, p.images + 1)]
    test_lines: dict[ImageName, int] = {}
    for pair in named_pairs:
        test_lines.setdefault(pair.first, pair.line)
        test_lines.setdefault(pair.second, pair.line)
    test_names = sorted(test_lines, key=lambda image: (image.name, image.number))
    _check_present(images_dir, people_file, train_names)
    _check_present(images_dir, pairs_file, [(image, test_lines[image]) for image in test_names])

    names = [image for image, _ in train_names] + test_names
    crops = _decode_all([images_dir / image.relative_path for image in names], box, height, width, progress)
    train = _faces(crops[: len(train_names)], names[: len(train_names)])
    validation = validation_pairs = None
    if validation_people > 0:
        train, validation, validation_pairs = _hold_out(train, validation_people)
    return FaceData(
        name="lfw",
        title=f"Labeled Faces in the Wild ({images_dir.name}, {test_pairs})",
        train=train,
        test=_faces(crops[len(train_names) :], test_names),
        pairs=_index_pairs(named_pairs, test_names),
        validation=validation,
        validation_pairs=validation_pairs,
    )


def _locate(root: Path, train_people: str, test_pairs: str) -> tuple[Path, Path, Path]:
    people_file, pairs_file = root / train_people, root / test_pairs
    folder = next((root / name for name in IMAGE_FOLDERS if (root / name).is_dir()), None)
    missing = [str(path) for path in (people_file, pairs_file) if not path.is_file()]
    if folder is None:
        missing.append(" or ".join(f"{root / name}{os.sep}" for name in IMAGE_FOLDERS))
    if missing or folder is None:
        where = "is not a folder" if not root.is_dir() else "is not a complete LFW"
        raise DataError(f"data root {root} {where}; looked for: {'; '.join(missing)}. {_HOW_TO_GET}")
    return folder, people_file, pairs_file


def _check_disjoint(people: list[ListedPerson], pairs: list[NamedPair], people_file: Path, pairs_file: Path) -> None:
    tested = {image.name for pair in pairs for image in (pair.first, pair.second)}
    shared = [person.name for person in people if person.name in tested]
    if shared:
        more = f" and {len(shared) - 5} more" if len(shared) > 5 else ""
        raise DataError(
            f"{people_file} and {pairs_file} share {len(shared)} people, expected none: {', '.join(shared[:5])}{more}"
        )


def _check_present(images_dir: Path, listing: Path, promised: Sequence[tuple[ImageName, int]]) -> None:
    missing = [(image, line) for image, line in promised if not (images_dir / image.relative_path).is_file()]
    if missing:
        image, line = min(missing, key=lambda entry: entry[1])
        more = f" ({len(missing) - 1} more images are missing)" if len(missing) > 1 else ""
        raise DataError(f"{listing}:{line}: image {images_dir / image.relative_path} does not exist{more}")


def _decode_all(paths: Sequence[Path], box: Box, height: int, width: int, progress: bool) -> npt.NDArray[np.uint8]:
    crops = np.empty((len(paths), height, width, 3), np.uint8)

    def decode(index: int) -> None:
        crops[index] = _decode(paths[index], box, height, width)

    # Threads suffice: Pillow decodes and resizes without the interpreter's lock.
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        try:
            for _ in tqdm(pool.map(decode, range(len(paths))), "decoding faces", len(paths), disable=not progress):
                pass
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return crops


def _decode(path: Path, box: Box, height: int, width: int) -> npt.NDArray[np.uint8]:
    try:
        with Image.open(path, formats=["JPEG"]) as image:
            if image.size != (LFW_SIZE, LFW_SIZE):
                raise DataError(f"{path}: {image.width}×{image.height} pixels, expected {LFW_SIZE}×{LFW_SIZE}")
            return cut_box(image.convert("RGB"), box, height, width)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise DataError(f"{path}: not a whole JPEG image: {error}") from error


def _faces(images: npt.NDArray[np.uint8], names: Sequence[ImageName]) -> Faces:
    people, identity = np.unique([image.name for image in names], return_inverse=True)
    return Faces(images, identity.astype(np.int64), tuple(str(name) for name in people))


def _index_pairs(pairs: Sequence[NamedPair], names: Sequence[ImageName]) -> Pairs:
    index = {image: at for at, image in enumerate(names)}
    return Pairs(
        first=np.array([index[pair.first] for pair in pairs], np.int64),
        second=np.array([index[pair.second] for pair in pairs], np.int64),
        same=np.array([pair.same for pair in pairs], np.bool_),
        fold=np.array([pair.fold for pair in pairs], np.int64),
    )


def _hold_out(faces: Faces, share: float) -> tuple[Faces, Faces, Pairs]:
    """Split off `share` of the people, with balanced pairs of their images."""
    rng = np.random.default_rng(0)
    count = round(share * faces.num_identities)
    if not 2 <= count < faces.num_identities:
        raise ParameterError(
            f"validation_people = {share} holds out {count} of {faces.num_identities} people, "
            "expected at least 2 and not all"
        )
    held_out = np.zeros(faces.num_identities, np.bool_)
    held_out[rng.permutation(faces.num_identities)[:count]] = True
    validation = _of_people(faces, held_out)
    return _of_people(faces, ~held_out), validation, draw_pairs(validation.identity, MAX_VALIDATION_PAIRS, rng)


def _of_people(faces: Faces, wanted: npt.NDArray[np.bool_]) -> Faces:
    keep = wanted[faces.identity]
    identity = (np.cumsum(wanted) - 1)[faces.identity[keep]]
    names = tuple(name for name, chosen in zip(faces.identity_names, wanted, strict=True) if chosen)
    return Faces(faces.images[keep], identity.astype(np.int64), names)
