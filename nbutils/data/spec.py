"""Which faces a notebook or a training uses: small serialisable values that load their data set."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, PositiveInt

from nbutils.data.faces import FaceData
from nbutils.data.splits import held_out_images, take_images, without_identities


@dataclass(frozen=True)
class DataSize:
    """How many images and people there are, and how large the images are stored.

    Attributes:
        train: Images to train on.
        identities: People in them.
        validation: Images to choose neurons by.
        test: Images to verify.
        height: Rows of an image.
        width: Its columns.
        channels: 3, or 1 of grey images.
    """

    train: int
    identities: int
    validation: int
    test: int
    height: int
    width: int
    channels: int = 3


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    height: PositiveInt = Field(
        61, description="pixels of the stored crop; the excess over the input is for random crops"
    )
    width: PositiveInt = 53
    held_out_images: float = Field(0.0, ge=0, lt=1, description="share of each training person's images kept to test")
    held_out_seed: int = Field(0, ge=0)
    adapt_to_all_but_fold: int | None = Field(
        None, ge=0, description="train on the test images outside this fold, without identities"
    )

    def load(self) -> FaceData:
        """Returns the faces; loaded once a process, but for a fold's, which are taken from the whole anew."""
        if self.adapt_to_all_but_fold is None:
            return _load(self)
        whole = self.model_copy(update={"adapt_to_all_but_fold": None}).load()
        return replace(whole, train=without_identities(whole, self.adapt_to_all_but_fold))

    def fingerprint(self) -> str:
        """Digest of the data themselves, equal wherever they lie."""
        fold = self.adapt_to_all_but_fold
        if fold is None:
            return self.load().fingerprint
        # It follows from the whole's: no second pass over all images for every fold.
        whole = self.model_copy(update={"adapt_to_all_but_fold": None}).fingerprint()
        return hashlib.sha256(f"{whole}, test images outside fold {fold}".encode()).hexdigest()

    def code(self) -> tuple[str, ...]:
        return ("nbutils.data.spec",)

    def size(self) -> DataSize:
        """Returns how much there is, at most; nothing is loaded where the spec alone says it."""
        data = self.load()
        validation = 0 if data.validation is None else len(data.validation)
        _, height, width, channels = data.train.images.shape
        return DataSize(len(data.train), data.train.num_identities, validation, len(data.test), height, width, channels)

    def _load(self) -> FaceData:
        raise NotImplementedError


class SyntheticData(_Data):
    """The embedded faces: `identities` people to train on, others to validate and to verify.

    Attributes:
        identities: People of the training set.
        images_per_identity: Images of each of them.
        validation_images: Images with attributes of further people, for the statistics of neurons.
        pairs: Pairs of the verification list, half of them of one person, in ten folds, of further people.
        seed: Of the whole population.
    """

    kind: Literal["synthetic"] = "synthetic"
    identities: PositiveInt = 300
    images_per_identity: PositiveInt = 20
    validation_images: PositiveInt = 4000
    pairs: PositiveInt = 6000
    seed: int = Field(0, ge=0)

    def size(self) -> DataSize:
        """Returns how much there would be, rendering nothing; folds to adapt to count as all test images."""
        from nbutils.data.embedded import count_test_images

        test = count_test_images(self)
        kept = max(1, self.images_per_identity - round(self.held_out_images * self.images_per_identity))
        train, identities = self.identities * kept, self.identities
        if self.adapt_to_all_but_fold is not None:
            train, identities = test, 1
        return DataSize(train, identities, self.validation_images, test, self.height, self.width)

    def _load(self) -> FaceData:
        from nbutils.data.embedded import load_synthetic

        return load_synthetic(self)


class FolderData(_Data):
    """A data set on disk, in any layout of `nbutils.data.layouts`; see `nbutils.data.folder.load_folder`.

    Attributes:
        dataset: Name or path of its manifest, which says how faces are cut out.
        root: Its folder or file.
        layout: Name of the layout; None: recognised.
        pairs_root: Folder or file of the pairs to verify, in any layout; None: the data set's own, or a `.bin` file
            beside it.
        min_images: People with fewer images are not trained on.
        validation_people: Share of the people to train on that are held out to tune on.
    """

    kind: Literal["folder"] = "folder"
    dataset: str
    root: Path
    layout: str | None = None
    pairs_root: Path | None = None
    min_images: PositiveInt = 4
    validation_people: float = Field(0.0, ge=0, lt=1)

    def size(self) -> DataSize:
        """Returns how much there is, from the lists alone."""
        from nbutils.data.folder import choose_images

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

    def _load(self) -> FaceData:
        from nbutils.data.folder import load_folder

        return load_folder(self)


class DigitsData(_Data):
    """Digits instead of faces: those of scikit-learn, or MNIST's; see `nbutils.data.digits.load_digits`.

    Attributes:
        root: Folder in torchvision's layout of MNIST; None: scikit-learn's 8×8 digits.
        validation: Images at the end of the training set to tune on instead of training on them.
    """

    kind: Literal["digits"] = "digits"
    height: PositiveInt = Field(8, description="digits are padded to it; the excess over the input is for random crops")
    width: PositiveInt = 8
    root: Path | None = None
    validation: int = Field(0, ge=0)

    def _load(self) -> FaceData:
        from nbutils.data.digits import load_digits

        return load_digits(self.root, height=self.height, width=self.width, validation=self.validation)


#: Any of them; pydantic tells them apart by `kind`.
DataSpec = SyntheticData | FolderData | DigitsData


@lru_cache(maxsize=4)
def _load(spec: _Data) -> FaceData:
    data = spec._load()
    if not spec.held_out_images:
        return data
    held_out = held_out_images(data.train.identity, spec.held_out_images, spec.held_out_seed)
    train, kept = take_images(data.train, ~held_out), take_images(data.train, held_out)
    return replace(data, train=train, held_out=kept)
