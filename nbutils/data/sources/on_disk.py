"""A data set on disk, in any layout: people to train on, others to validate and to verify.

Its makers' partition and pairs decide which people are for what. Where there are no pairs, some are drawn among the
people to test; where there is no partition either, a share of the people is held out to test. Where nobody is there to
validate on, and the images have attributes, the people with too few images to train on are, if there are as many such
images as are trained on: CelebA's first thousands are mostly of such people. All draws are seeded.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache
from tempfile import TemporaryFile, gettempdir
from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field, PositiveInt

from nbutils.data.bucket_copy import Root
from nbutils.data.collection import TEST, TRAIN, VALIDATION, Collection
from nbutils.data.cropping import crop_faces, crop_rule
from nbutils.data.faces import FaceData, Faces, Pairs
from nbutils.data.held_out import held_out_images
from nbutils.data.layouts.base import layout_module, open_collection
from nbutils.data.layouts.readers.image_files import only_file
from nbutils.data.manifest import load_manifest
from nbutils.data.pairs import draw_pairs
from nbutils.data.spec import DataSize, DataSpec
from nbutils.errors import DataError, ParameterError

Rows = npt.NDArray[np.int64]

#: Drawn pairs: at most so many matched, and as many mismatched, of at most so many images.
MOST_PAIRS, MOST_IMAGES = 3000, 2000
#: Bytes of a pack's crops that are copied into memory where they do not lie side by side; more go to a file.
IN_MEMORY = 1 << 30
_BLOCK = 4096
#: Share of the people that are kept to test where neither partition nor pairs decide it.
TEST_PEOPLE = 0.1


class CroppedData(DataSpec):
    """Base of what reads images of a data set on disk, in any layout of `nbutils.data.layouts`.

    Attributes:
        dataset: Name or path of its manifest, which says how faces are cut out.
        root: Its folder or file, by path or URL.
        layout: Name of the layout; None: recognised.
    """

    dataset: str
    root: Root
    layout: str | None = None


class FolderData(CroppedData):
    """A data set on disk to train on and to verify.

    Attributes:
        pairs_root: Folder or file of the pairs to verify, in any layout; None: the data set's own, or a `.bin` file
            beside it.
        min_images: People with fewer images are not trained on.
        validation_people: Share of the people to train on that are held out to tune on.

    Example:
        >>> from nbutils.data import FolderData
        >>> FolderData(dataset="lfw", root="faces/lfw").layout is None
        True
    """

    kind: Literal["folder"] = "folder"
    pairs_root: Root | None = None
    min_images: PositiveInt = 4
    validation_people: float = Field(0.0, ge=0, lt=1)

    def size(self) -> DataSize:
        """Returns how much there is, from the lists alone."""
        chosen = choose_images(self)
        assert chosen.source.identity is not None
        who = chosen.source.identity[chosen.train]
        train, identities = len(who), len(np.unique(who))
        if self.held_out_images:
            train -= int(held_out_images(who, self.held_out_images, self.held_out_seed).sum())
        if self.adapt_to_all_but_fold is not None:
            train, identities = len(chosen.test), 1
        validation = 0 if chosen.validation is None else len(chosen.validation)
        return DataSize(train, identities, validation, len(chosen.test), self.height, self.width)

    def code(self) -> tuple[str, ...]:
        """This module, and those of the layouts that the faces and the pairs are read from."""
        layouts = _layouts_opened(self.root, self.layout, self.pairs_root)
        return (__name__, *dict.fromkeys(map(layout_module, layouts)))

    def read(self) -> FaceData:
        """Loads and crops the faces; see `load_folder`."""
        return load_folder(self)


@lru_cache(maxsize=64)
def _layouts_opened(root: Root, layout: str | None, pairs_root: Root | None) -> tuple[str, str]:
    """Names of the layouts of a data set and of its pairs, both opened once a process."""
    source = open_collection(root, layout)
    return source.layout, _pairs_source(source, pairs_root).layout


@dataclass(frozen=True)
class Chosen:
    """Which images of a data set are to train on, to validate and to test.

    Attributes:
        source: images to train on and to validate.
        tests: images to verify; the same collection, or that of other pairs.
        train: rows of `source`, sorted by person.
        test: rows of `tests`, in the order of their first use in the pairs.
        pairs: of indices into `test`.
        validation: rows of `source`, or None.
        validation_pairs: of indices into `validation`, or None.
        drawn: whether the pairs were drawn because there were no others.
    """

    source: Collection
    tests: Collection
    train: Rows
    test: Rows
    pairs: Pairs
    validation: Rows | None
    validation_pairs: Pairs | None
    drawn: bool


def choose_images(spec: FolderData) -> Chosen:
    """Opens the collections of a spec and says which images it takes; decodes none.

    Raises:
        DataError: If a list is malformed, there are no identities to train on, people are both trained on and tested,
            or no person is left to train on; naming the file, and the line where a list is at fault.
        ParameterError: If a share of the people is out of range.
    """
    source = open_collection(spec.root, spec.layout)
    if source.identity is None:
        has = ", ".join(source.offers()) or "nothing but images"
        raise DataError(f"{spec.root} ({source.layout}) has no identities, which training needs; it has {has}")
    tests = _pairs_source(source, spec.pairs_root)
    drawn = tests.pairs is None
    if tests.pairs is not None:
        test, pairs = _images_of(tests.pairs)
    else:
        tests, (test, pairs) = source, _draw(source.identity, _people_to_test(source))
    train = _to_train(source, source.identity, tests, test, spec)
    validation = validation_pairs = None
    if spec.validation_people > 0:
        train, kept = _hold_out(source.identity, train, spec.validation_people)
        validation, validation_pairs = _draw(source.identity, kept)
    elif source.partition is not None and (source.partition == VALIDATION).any():
        validation = np.flatnonzero((source.partition == VALIDATION) & (source.identity >= 0))
    elif source.attributes is not None:
        tested = _names_tested(tests, test)
        unused = [name not in tested for name in source.identity_names]
        left = _candidates(source, source.identity, tests, test) & ~np.isin(source.identity, source.identity[train])
        left &= np.isin(source.identity, np.flatnonzero(unused))
        validation = np.flatnonzero(left) if left.sum() >= len(train) else None
    return Chosen(source, tests, train, test, pairs, validation, validation_pairs, drawn)


def load_folder(spec: FolderData, *, progress: bool = True) -> FaceData:
    """Loads and crops the faces of a spec.

    Training faces are sorted by person; faces to test stand in the order of their first use in the pairs. So equal
    images give equal faces, whatever the layout. Where the pairs come without identities, as in a `.bin` file,
    images that matched pairs join count as one person: enough to verify, not to identify.

    Raises:
        DataError: As `choose_images`, or if an image that is needed is missing or damaged.
        ParameterError: If a size or a share is out of range.
    """
    chosen = choose_images(spec)
    source, tests, validation = chosen.source, chosen.tests, chosen.validation
    title = load_manifest(spec.dataset).title
    return FaceData(
        name=spec.dataset,
        title=f"{title} ({_origin(source, tests)}{', pairs drawn' if chosen.drawn else ''})",
        train=_faces(source, chosen.train, spec, progress),
        test=_faces(tests, chosen.test, spec, progress),
        pairs=chosen.pairs,
        validation=None if validation is None else _faces(source, validation, spec, progress),
        validation_pairs=chosen.validation_pairs,
    )


def _origin(source: Collection, tests: Collection) -> str:
    return source.layout if tests is source else f"{source.layout}, pairs from {tests.root.name}"


def _pairs_source(source: Collection, pairs_root: Root | None) -> Collection:
    """The collection whose pairs are verified: as named, the source itself, or a `.bin` file beside it."""
    if pairs_root is not None:
        tests = open_collection(pairs_root)
        if tests.pairs is None:
            raise DataError(f"{pairs_root} ({tests.layout}) has no pairs")
        return tests
    folder = source.root.parent if source.root.is_file() else source.root
    beside = only_file(folder, ".bin", "lfw.bin") if source.pairs is None else None
    return source if beside is None else open_collection(beside)


def _images_of(pairs: Pairs) -> tuple[Rows, Pairs]:
    """The images that pairs name, in the order of their first use, and the pairs as indices into these."""
    ends = np.stack([pairs.first, pairs.second], axis=1).ravel()
    images, first, inverse = np.unique(ends, return_index=True, return_inverse=True)
    order = np.argsort(first)
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    index = place[inverse]
    return images[order], Pairs(index[0::2].copy(), index[1::2].copy(), pairs.same, pairs.fold)


def _people_to_test(source: Collection) -> Rows:
    """Images of the people to test where there are no pairs."""
    assert source.identity is not None
    known = np.flatnonzero(source.identity >= 0)
    if source.partition is not None:
        to_test: Rows = known[source.partition[known] == TEST]
        if not len(to_test):
            raise DataError(f"{source.root}: has neither pairs nor people to test; expected a source of pairs")
        return to_test
    return _hold_out(source.identity, known, TEST_PEOPLE)[1]


def _draw(identity: Rows, which: Rows) -> tuple[Rows, Pairs]:
    """Draws pairs among images: of all, or of so many random people as have `MOST_IMAGES` images."""
    rng = np.random.default_rng(1)
    if len(which) > MOST_IMAGES:
        people = rng.permutation(np.unique(identity[which]))
        count = np.bincount(identity[which])[people]
        which = which[np.isin(identity[which], people[np.cumsum(count) <= MOST_IMAGES])]
    which = which[np.argsort(identity[which], kind="stable")]
    return which, draw_pairs(np.unique(identity[which], return_inverse=True)[1], MOST_PAIRS, rng)


def _to_train(source: Collection, identity: Rows, tests: Collection, test: Rows, spec: FolderData) -> Rows:
    """Images of the people to train on, sorted by person."""
    wanted = _candidates(source, identity, tests, test)
    count = np.bincount(identity[wanted], minlength=len(source.identity_names) or 1)
    wanted &= count[identity] >= spec.min_images
    rows = np.flatnonzero(wanted)
    if not len(rows):
        raise DataError(f"{source.root}: no person to train on has min_images = {spec.min_images} images")
    trained = {source.identity_names[person] for person in np.unique(identity[rows])}
    tested = _names_tested(tests, test)
    # Numbers are each data set's own: equal ones do not mean one person.
    shared = sorted(name for name in trained & tested if tests is source or not name.isdecimal())
    if shared:
        more = f" and {len(shared) - 5} more" if len(shared) > 5 else ""
        raise DataError(
            f"{source.root}: {len(shared)} people are both trained on and in the pairs of {tests.root}, "
            f"expected none: {', '.join(shared[:5])}{more}"
        )
    return rows[np.argsort(identity[rows], kind="stable")]


def _candidates(source: Collection, identity: Rows, tests: Collection, test: Rows) -> npt.NDArray[np.bool_]:
    """Which images may be trained on if there are enough of their person."""
    wanted: npt.NDArray[np.bool_] = identity >= 0
    if source.partition is not None and (source.partition == TRAIN).any():
        wanted &= source.partition == TRAIN
    elif tests is source:
        wanted &= ~np.isin(identity, identity[test])
    return wanted


def _names_tested(tests: Collection, test: Rows) -> set[str]:
    """Names of the people to verify, as far as they are known."""
    if tests.identity is None:
        return set()
    return {tests.identity_names[person] for person in np.unique(tests.identity[test]) if person >= 0}


def _hold_out(identity: Rows, rows: Rows, share: float) -> tuple[Rows, Rows]:
    """Splits images by person: those of the people kept, and those of a random share of the people."""
    people = np.unique(identity[rows])
    count = round(share * len(people))
    if not 2 <= count < len(people):
        raise ParameterError(
            f"a share of {share} holds out {count} of {len(people)} people, expected at least 2 and not all"
        )
    held_out = np.isin(identity[rows], np.random.default_rng(0).permutation(people)[:count])
    return rows[~held_out], rows[held_out]


def _faces(of: Collection, rows: Rows, spec: FolderData, progress: bool) -> Faces:
    faces = unlabelled_faces(of, rows, spec, progress)
    if of.identity is not None and (of.identity[rows] >= 0).all():
        people, identity = np.unique(of.identity[rows], return_inverse=True)
        names = tuple(of.identity_names[person] for person in people)
    else:
        identity, names = _people_of_pairs(of, rows)
    return replace(faces, identity=identity.astype(np.int64), identity_names=names)


def unlabelled_faces(of: Collection, rows: Rows, spec: CroppedData, progress: bool) -> Faces:
    """Decodes and crops some images of a collection; their attributes and key points, but not yet whom they show.

    Raises:
        DataError: An image is missing, damaged, or does not suit the rule of crops; naming it.
    """
    _check_present(of, rows)
    if of.crops is not None:
        images, landmarks = _stored(of, rows, spec)
    else:
        rule = crop_rule(of, load_manifest(spec.dataset).crop)
        images, landmarks = crop_faces(of, rows.tolist(), rule, spec.height, spec.width, progress=progress)
    if landmarks is not None and np.isnan(landmarks).any():
        landmarks = None
    attributes, partial = None, None if of.attributes is None else of.attributes[rows]
    if partial is not None and not (partial == 0).any():
        attributes, partial = partial == 1, None
    elif partial is not None and not partial.any():
        partial = None
    return Faces(images, np.full(len(rows), -1, np.int64), (), attributes, landmarks, partial)


def _check_present(of: Collection, rows: Rows) -> None:
    absent = [at for at in rows.tolist() if at in of.missing] if of.missing else []
    if absent:
        more = f" ({len(absent) - 1} more images are missing)" if len(absent) > 1 else ""
        raise DataError(f"{of.missing[min(absent)]}{more}")


def _stored(
    of: Collection, rows: Rows, spec: CroppedData
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32] | None]:
    """Crops as a pack holds them: a view of the file where they lie side by side, else a copy that fits."""
    assert of.crops is not None
    height, width = of.crops.shape[1:3]
    if (height, width) != (spec.height, spec.width):
        raise DataError(f"{of.root}: crops of {height}×{width} pixels, expected {spec.height}×{spec.width}")
    if of.check_crops is not None:
        of.check_crops(rows.tolist())
    side_by_side = len(rows) and (np.diff(rows) == 1).all()
    images = of.crops[rows[0] : rows[-1] + 1] if side_by_side else _gathered(of.crops, rows)
    return images, None if of.landmarks is None else of.landmarks[rows]


def _gathered(crops: npt.NDArray[np.uint8], rows: Rows) -> npt.NDArray[np.uint8]:
    """Some of the crops side by side: in memory, or where they are many, in a file that ends with the process."""
    shape = (len(rows), *crops.shape[1:])
    if math.prod(shape) <= IN_MEMORY:
        return crops[rows]
    try:
        with TemporaryFile(prefix="nbutils-") as file:
            for at in range(0, len(rows), _BLOCK):
                file.write(crops[rows[at : at + _BLOCK]].data)
            file.flush()
            return np.memmap(file, np.uint8, mode="c", shape=shape)  # outlives the file's name
    except OSError as error:
        size = f"{math.prod(shape) / 1e9:.3g} GB"
        raise DataError(f"{gettempdir()}: no room for {size} of crops ({error}); TMPDIR names a folder") from error


def _people_of_pairs(of: Collection, rows: Rows) -> tuple[Rows, tuple[str, ...]]:
    """Identities from pairs alone: images that matched pairs connect count as one person."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    assert of.pairs is not None
    same = of.pairs.same
    ends = (of.pairs.first[same], of.pairs.second[same])
    joined = coo_array((np.ones(int(same.sum()), np.int8), ends), shape=(len(of), len(of)))
    people, identity = np.unique(connected_components(joined, directed=False)[1][rows], return_inverse=True)
    return identity.astype(np.int64), tuple(f"unnamed {number}" for number in range(len(people)))
