"""Every parser of a single file of foreign origin, with a small sound file for it."""

from __future__ import annotations

import gzip
import json
import pickle
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx

from nbutils.batch.parameters import read_parameters
from nbutils.data.decode import decode_image
from nbutils.data.layouts.readers.idx_files import read_idx
from nbutils.data.layouts.readers.lfw_lists import read_pairs, read_people
from nbutils.data.layouts.readers.pair_list import read_pair_list
from nbutils.data.layouts.readers.plain_pickle import load_plain
from nbutils.data.layouts.readers.records import frame, read_records
from nbutils.data.layouts.readers.tables import numbers_of, read_csv, read_spaced
from nbutils.data.manifest import load_manifest
from nbutils.data.sources.embedded import SyntheticData
from nbutils.data.splits import draw_split, load_split
from nbutils.data.upkeep.overlap import read_identity_list
from nbutils.errors import NbutilsError
from nbutils.evaluation.onnx_digest import read_whole, with_digest
from nbutils.training import ModelSpec, Schedule, Term, TrainingSpec
from nbutils.training.spec_file import read_spec
from tests.support.collections import encoded

MANIFEST = """\
title: Faces
homepage: https://example.org/faces
licence: none
citation: [A. Author. Faces. 2016.]
access: open
notes:
  - >-
    Of two
    lines
annotations: [identity, pairs]
images: 12
identities: 3
files: [{name: a.zip, digest: "md5:00d2c5bc6d35e252742224ab0c1e8fcb", url: "https://example.org/a.zip"}]
layouts: [image_folder]
splits: [{rule: images, share: 0.2, note: drawn}]
"""
_NOTEBOOK = {
    "cells": [
        {"cell_type": "markdown", "metadata": {}, "source": "# Title"},
        {
            "cell_type": "code", "metadata": {"tags": ["parameters"]}, "outputs": [], "execution_count": None,
            "source": ['preset = "smoke"  # smoke, laptop or paper\n', "seed = 0  # of all draws\n"],
        },
    ],
    "metadata": {}, "nbformat": 4, "nbformat_minor": 5,
}  # fmt: skip
_PIXELS = np.random.default_rng(0).integers(0, 256, (9, 7, 3), np.uint8)


@dataclass(frozen=True)
class Parser:
    """A parser of files named `file`, and the bytes of a sound one; `digest`: whether it notices every change."""

    file: str
    sound: bytes
    parse: Callable[[Path], object]
    digest: bool = False


def parsers() -> dict[str, Parser]:
    """Each by its name."""
    images = {
        f"image {kind}": Parser(
            f"image.{kind.lower()}", encoded(_PIXELS, kind), lambda path: decode_image(path.read_bytes(), str(path))
        )
        for kind in ("JPEG", "PNG", "WEBP", "BMP", "PPM")
    }
    idx = bytes([0, 0, 8, 3]) + struct.pack(">3I", 4, 3, 2) + bytes(range(24))
    picture = encoded(_PIXELS, "PNG")
    headers = struct.pack("<IfQQ", 0, 1.0, 0, 0), struct.pack("<IfQQ2f", 2, 0.0, 1, 0, 2.0, 3.0)
    spec = TrainingSpec(
        name="S",
        data=SyntheticData(),
        model=ModelSpec("MobileIDStudent"),
        objective={"labels": Term("LabelLoss")},
        schedule=Schedule(epochs=1),
    )
    model = onnx.ModelProto(producer_name="test", graph=onnx.GraphProto(name="g"))
    model.metadata_props.add(key="network", value="S")
    split = draw_split("images", np.zeros(40, np.int64), 0.2).model_dump_json(indent=1).encode()
    return images | {
        "manifest": Parser("some.yml", MANIFEST.encode(), load_manifest),
        "split": Parser("split.json", split, load_split, digest=True),
        "plain pickle 2": Parser("two.bin", _pickled(2), load_plain),
        "plain pickle 4": Parser("four.bin", _pickled(4), load_plain),
        "idx": Parser("idx3-ubyte", idx, lambda path: read_idx(path, 3)),
        "idx gzipped": Parser("idx3-ubyte.gz", gzip.compress(idx, mtime=0), lambda path: read_idx(path, 3)),
        "records": Parser("train.rec", b"".join(frame(head + picture) for head in headers), _records),
        "CSV": Parser("list.csv", b"a,b\n1,-2.5\n,\n7,8\n", _numbers),
        "CelebA's list": Parser("list.txt", b"1\nb c\n1.jpg 1 2\n", lambda path: read_spaced(path, (), True)),
        "LFW's pairs": Parser("pairs.txt", b"1\t2\nA\t1\t2\nB\t1\t3\nA\t1\tB\t2\nB\t1\tC\t1\n", read_pairs),
        "LFW's people": Parser("people.txt", b"2\n1\nA\t3\n2\nB\t1\nC\t2\n", read_people),
        "pairs.csv": Parser("p.csv", b"first,second,same,fold\na,b,1,0\na,c,0,1\n", _pairs),
        "names": Parser("names.txt", "# people\nAnn Lee\t3\nZoë\n".encode(), read_identity_list),
        "spec": Parser("spec.json", spec.model_dump_json().encode(), read_spec),
        "notebook": Parser("some.ipynb", json.dumps(_NOTEBOOK, indent=1).encode(), read_parameters),
        "ONNX": Parser("some.onnx", with_digest(model), read_whole, digest=True),
    }  # fmt: skip


def _pickled(protocol: int) -> bytes:
    images = [b"\xff\xd8 one", np.frombuffer(b"\xff\xd8 two", np.uint8)] * 2
    return pickle.dumps((images, [True, np.bool_(0)]), protocol)


def _numbers(path: Path) -> object:
    table = read_csv(path)
    return numbers_of(table, table.columns[:1])


def _pairs(path: Path) -> object:
    return read_pair_list(path, "abc")


def _records(path: Path) -> list[bytes]:
    records = read_records(path, None)
    return [records.image(at) for at in range(len(records))]


def refused(parser: Parser, path: Path, content: bytes) -> bool:
    """Whether a parser refuses a file's content, as it may, by the project's own error, which names the file.

    Raises:
        AssertionError: It reads what its digest should have refused, or its error does not name the file.
        Exception: Any other that comes out of the parser.
    """
    path.write_bytes(content)
    try:
        found = parser.parse(path)
    except NbutilsError as error:
        refusal = str(error)
        if path.name not in refusal:
            raise AssertionError(f"{refusal!r} does not name {path.name}") from error
        return True
    if parser.digest and content != parser.sound:
        path.write_bytes(parser.sound)
        assert found == parser.parse(path), "it reads another content than was written"
    return False
