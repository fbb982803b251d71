"""What a pack is on disk: crops of one size in one array, an index, and digests of everything.

```
pack.json            what it is, the SHA-256 of the other files, and its own (written last)
images.npy           (N, height, width, 3) uint8, to be memory-mapped
index.parquet        a row an image: name; why it is missing (then its crop is black) or null; identity, partition,
                     attributes and key points in the crop, as the data set has them; SHA-256 of the crop
identities.parquet   a name an identity
pairs.parquet        first, second, same, fold: pairs to verify, where the data set has some
quarantine.csv       images set aside, with the reason, where there are some
```
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict, NonNegativeInt, PositiveInt, ValidationError

from nbutils.data.bounded import read_bounded
from nbutils.data.geometry.template import CropRule
from nbutils.errors import DataError, first_fault

#: Files with a digest in `pack.json`; that of the images is in the index, one each.
Listed = Literal["index.parquet", "identities.parquet", "pairs.parquet", "quarantine.csv"]
INFO, IMAGES = "pack.json", "images.npy"
INDEX, IDENTITIES, PAIRS, QUARANTINE = get_args(Listed)
#: A remark takes some hundred bytes.
MAX_BYTES = 1 << 26
#: Bytes before the pixels in `images.npy`.
HEADER_BYTES = 128


class PackInfo(BaseModel):
    """Content of `pack.json`.

    Attributes:
        format: version of this form.
        title: of the data set.
        layout: that the images were packed from.
        rule: how each was cropped.
        height: of each crop, in pixels.
        width: likewise.
        images: number of images.
        identities: number of people.
        quarantined: number of images that were set aside.
        crops: SHA-256 (hex) over the crops' digests in the index's order.
        files: SHA-256 (hex) of each other file.
        remarks: what the data set's lists and files did not agree on.
        digest: SHA-256 (hex) of all of the above.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[2] = 2
    title: str
    layout: str
    rule: CropRule
    height: PositiveInt
    width: PositiveInt
    images: PositiveInt
    identities: NonNegativeInt
    quarantined: NonNegativeInt
    crops: str
    files: dict[Listed, str]
    remarks: tuple[str, ...] = ()
    digest: str = ""

    def sealed(self) -> PackInfo:
        """The same with its digest."""
        content = self.model_dump_json(exclude={"digest"})
        return self.model_copy(update={"digest": hashlib.sha256(content.encode()).hexdigest()})


def read_info(folder: Path) -> PackInfo:
    """Reads `pack.json`.

    Raises:
        DataError: naming file and key, if it is not one of this form, or not as it was written.
    """
    path = folder / INFO
    try:
        info = PackInfo.model_validate(json.loads(read_bounded(path, MAX_BYTES, "a pack's description")))
    except ValidationError as error:
        raise DataError(f"{path}: {first_fault(error)}") from error
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path}: not JSON: {error}") from error
    if info != info.sealed():
        raise DataError(f"{path}: digest: is not that of the content, which is damaged or was changed by hand")
    return info


def header(shape: tuple[int, ...]) -> bytes:
    """The first `HEADER_BYTES` of a NumPy file (version 1.0) of uint8, of one length whatever the shape."""
    text = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}"
    length = HEADER_BYTES - 10
    return b"\x93NUMPY\x01\x00" + length.to_bytes(2, "little") + text.ljust(length - 1).encode() + b"\n"


def file_digest(path: Path) -> str:
    """SHA-256 (hex) of a file.

    Raises:
        DataError: If it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from error
