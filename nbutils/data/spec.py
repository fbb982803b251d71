"""What a data spec is: a small serialisable value that says which faces a training uses, and loads them.

Every kind of data set has a class of its own in `nbutils.data.sources`; your own derives from `DataSpec` likewise.
"""

from __future__ import annotations

import hashlib
import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PositiveInt, SerializeAsAny

from nbutils.data.faces import FaceData
from nbutils.data.held_out import held_out_images, take_images, verify_held_out_people, without_identities
from nbutils.errors import ParameterError


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


class DataSpec(BaseModel):
    """Base of every kind of data; a subclass gives `kind` a value of its own, adds fields and defines `read`.

    Attributes:
        height: Rows of the stored crop.
        width: Its columns.
        held_out_images: Share of each training person's images that is kept from training, to test on.
        held_out_seed: Of that draw.
        adapt_to_all_but_fold: Train on the test images outside this fold, without identities; None: as usual.
        kind: Name of the kind of data, which tells JSON of one kind from another.

    Example:
        Your own kind of data:

        >>> import numpy as np
        >>> from typing import Literal
        >>> from nbutils.data import DataSpec, FaceData, Faces, draw_pairs
        >>> class Noise(DataSpec):
        ...     kind: Literal["noise"] = "noise"
        ...     people: int = 5
        ...     def read(self) -> FaceData:
        ...         rng = np.random.default_rng(0)
        ...         who = np.repeat(np.arange(self.people), 4)
        ...         images = rng.integers(256, size=(len(who), self.height, self.width, 3), dtype=np.uint8)
        ...         faces = Faces(images, who, tuple(f"person {p}" for p in range(self.people)))
        ...         return FaceData("noise", "noise", faces, faces, draw_pairs(who, 10, rng))
        >>> Noise(people=3, held_out_images=0.25).size().train
        9
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    height: PositiveInt = Field(
        61, description="pixels of the stored crop; the excess over the input is for random crops"
    )
    width: PositiveInt = 53
    held_out_images: float = Field(0.0, ge=0, lt=1, description="share of each training person's images kept to test")
    held_out_seed: int = Field(0, ge=0)
    held_out_people: float = Field(
        0.0, ge=0, lt=1, description="share of the training people who are verified in the place of the test people"
    )
    adapt_to_all_but_fold: int | None = Field(
        None, ge=0, description="train on the test images outside this fold, without identities"
    )
    kind: str

    def read(self) -> FaceData:
        """Makes or reads the faces, with nothing held out; every subclass defines it."""
        raise NotImplementedError(f"{type(self).__name__} has no way to read its faces: expected a method 'read'")

    def load(self) -> FaceData:
        """Returns the faces; loaded once a process, but for a fold's, which are cut from the whole each time.

        Raises:
            DataError: The data are missing or damaged.
            ParameterError: A field does not suit the data.
        """
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
        """Dotted names of the modules whose source, with what it imports, decides the arrays."""
        return (type(self).__module__,)

    def size(self) -> DataSize:
        """Returns how much there is, at most; nothing is loaded where the spec alone says it."""
        data = self.load()
        validation = 0 if data.validation is None else len(data.validation)
        _, height, width, channels = data.train.images.shape
        return DataSize(len(data.train), data.train.num_identities, validation, len(data.test), height, width, channels)


def known_kinds() -> dict[str, type[DataSpec]]:
    """Every kind of data spec by its name: those of `nbutils.data.sources`, and others defined so far.

    Raises:
        ParameterError: If two classes of different names are of one kind.

    Example:
        >>> from nbutils.data import known_kinds
        >>> known_kinds()["synthetic"].__name__
        'SyntheticData'
    """
    _import_sources()
    kinds: dict[str, type[DataSpec]] = {}
    for cls in _subclasses(DataSpec):
        kind = cls.model_fields["kind"].default
        if not isinstance(kind, str):
            continue  # a base of others
        names = [f"{c.__module__}.{c.__qualname__}" for c in (cls, kinds.get(kind, cls))]
        if names[0] != names[1]:  # else a notebook's cell that ran again: the newest counts
            raise ParameterError(f"kind {kind!r} is that of {names[1]} and of {names[0]}: expected one class a kind")
        kinds[kind] = cls
    return kinds


def parse_data_spec(value: object) -> object:
    """Makes the spec that a mapping describes, by its `kind`; anything else is returned as it is.

    Raises:
        ParameterError: If the kind is missing or unknown.
        pydantic.ValidationError: If a field is unknown, mistyped or out of its range.

    Example:
        >>> from nbutils.data.spec import parse_data_spec
        >>> parse_data_spec({"kind": "digits", "validation": 50}).validation
        50
    """
    if not isinstance(value, Mapping):
        return value
    kinds, kind = known_kinds(), value.get("kind")
    if not isinstance(kind, str) or kind not in kinds:
        raise ParameterError(f"the kind of data is {kind!r}: expected one of {', '.join(sorted(kinds))}")
    return kinds[kind].model_validate(value)


#: Type of a pydantic field that holds any data spec: it takes an instance, or a mapping that says its `kind`, and
#: serialises all fields of the subclass.
AnyDataSpec = Annotated[SerializeAsAny[DataSpec], BeforeValidator(parse_data_spec)]


@cache
def _import_sources() -> None:
    """Defines the project's own kinds. Nothing else imports them all: a training depends on the kind it uses."""
    for module in pkgutil.iter_modules([str(Path(__file__).parent / "sources")], "nbutils.data.sources."):
        importlib.import_module(module.name)


def _subclasses(cls: type[DataSpec]) -> Iterator[type[DataSpec]]:
    for subclass in cls.__subclasses__():
        yield subclass
        yield from _subclasses(subclass)


@lru_cache(maxsize=4)
def _load(spec: DataSpec) -> FaceData:
    data = spec.read()
    if spec.held_out_people:
        data = verify_held_out_people(data, spec.held_out_people, spec.held_out_seed)
    if not spec.held_out_images:
        return data
    held_out = held_out_images(data.train.identity, spec.held_out_images, spec.held_out_seed)
    train, kept = take_images(data.train, ~held_out), take_images(data.train, held_out)
    return replace(data, train=train, held_out=kept)
