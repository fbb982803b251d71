"""Layouts and kinds of data are found by scanning their folders: a new one is one new file."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from pydantic import BaseModel, ValidationError

from nbutils.data import DataSpec, DigitsData, FaceData, Faces, FolderData, SyntheticData, draw_pairs
from nbutils.data import layouts as layouts_package
from nbutils.data import sources as sources_package
from nbutils.data.layouts.base import known_layouts, layout_module, open_collection, write_collection
from nbutils.data.spec import AnyDataSpec, known_kinds, parse_data_spec
from nbutils.errors import ParameterError
from tests.support.collections import rendered

ROOT = Path(__file__).parents[3]
ORDER = "pack lfw celeba celeba_in_the_wild recordio pair_bin msceleb_tsv idx image_list image_folder"

SHOE_BOX = '''
"""Shoe boxes."""
from pathlib import Path

from nbutils.data.collection import Collection
from nbutils.data.layouts.base import Layout


def recognises(root: Path) -> bool:
    return (root / "lid").is_file()


def open_box(root: Path) -> Collection:
    names = sorted(path.name for path in root.glob("*.jpg"))
    return Collection("shoe_box", root, names, lambda at: (root / names[at]).read_bytes())


LAYOUTS = (Layout("shoe_box", "a folder with a lid", recognises, open_box),)
'''
GREY = '''
"""Grey faces."""
from typing import Literal

from nbutils.data.spec import DataSpec


class GreyData(DataSpec):
    kind: Literal["grey"] = "grey"
    level: int = 128
'''


class Mine(DataSpec):
    """A data set of one's own."""

    kind: Literal["mine"] = "mine"
    people: int = 4

    def read(self) -> FaceData:
        identity = np.repeat(np.arange(self.people), 5)
        images = np.zeros((len(identity), self.height, self.width, 3), np.uint8)
        faces = Faces(images, identity, tuple(map(str, range(self.people))))
        return FaceData("mine", "mine", faces, faces, draw_pairs(identity, 10, np.random.default_rng(0)))


class Holder(BaseModel):
    data: AnyDataSpec


def _modules(package: str | None) -> set[str]:
    folder = Path(str(package)).parent
    return {file.stem for file in folder.glob("*.py")} - {"__init__", "base"}


def test_every_layout_is_found_in_the_order_of_recognition() -> None:
    assert list(known_layouts()) == ORDER.split()
    found = {layout_module(name).rpartition(".")[2] for name in known_layouts()}
    assert found == _modules(layouts_package.__file__)
    with pytest.raises(ParameterError, match="layout is 'shoe_box': expected one of pack, lfw"):
        layout_module("shoe_box")


def test_every_source_is_found_by_its_kind() -> None:
    kinds = known_kinds()
    assert {kinds[kind] for kind in ("synthetic", "folder", "digits")} == {SyntheticData, FolderData, DigitsData}
    ours = {cls.__module__.rpartition(".")[2] for cls in kinds.values() if cls.__module__.startswith("nbutils.data.so")}
    assert ours == _modules(sources_package.__file__)


@pytest.mark.parametrize(
    "spec",
    [
        SyntheticData(identities=7, adapt_to_all_but_fold=2),
        FolderData(dataset="lfw", root=Path("here"), pairs_root=Path("there"), held_out_images=0.2),
        DigitsData(validation=3),
        Mine(people=9),
    ],
)
def test_a_field_of_any_spec_takes_and_gives_the_whole(spec: DataSpec) -> None:
    holder = Holder(data=spec)
    assert holder.data is spec
    assert holder.model_dump()["data"] == spec.model_dump()
    back = Holder.model_validate_json(holder.model_dump_json()).data
    assert (type(back), back) == (type(spec), spec)


@pytest.mark.parametrize("kind", ["shoes", None, 3, ["synthetic"]])
def test_an_unknown_kind_is_one_clear_error(kind: object) -> None:
    with pytest.raises(
        ParameterError, match=r"kind of data is .*: expected one of attributes, digits, folder, .*synthetic"
    ):
        parse_data_spec({"kind": kind})
    with pytest.raises(ValidationError, match="error for Holder\ndata\n  Value error, the kind of data is"):
        Holder.model_validate({"data": {"kind": kind}})


def test_a_wrong_field_is_named_where_it_stands() -> None:
    with pytest.raises(ValidationError) as error:
        Holder.model_validate({"data": {"kind": "synthetic", "identities": 0}})
    assert [fault["loc"] for fault in error.value.errors()] == [("data", "identities")]
    with pytest.raises(ValidationError):
        Holder.model_validate({"data": 3})


def test_two_classes_of_one_kind_are_refused() -> None:
    class Other(DataSpec):
        kind: Literal["mine"] = "mine"

    try:
        with pytest.raises(ParameterError, match=r"kind 'mine' is that of .*Mine and of .*Other"):
            known_kinds()
    finally:
        Other.model_fields["kind"].default = None  # a class lives until it is collected: out of the others' way
    assert known_kinds()["mine"] is Mine


def test_a_spec_without_read_says_so() -> None:
    class Empty(DataSpec):
        kind: Literal["empty"] = "empty"

    with pytest.raises(NotImplementedError, match="Empty has no way to read its faces"):
        Empty().load()


def test_a_spec_of_ones_own_holds_out_and_names_its_code() -> None:
    spec = Mine(held_out_images=0.2)
    data = spec.load()
    assert data.held_out is not None
    assert (len(data.train), len(data.held_out)) == (16, 4)
    assert spec.size().train == 16
    assert spec.code() == (__name__,)


def test_the_code_of_a_folder_is_that_of_the_layouts_it_is_read_by(tmp_path: Path) -> None:
    faces = rendered()
    for layout in ("lfw", "celeba", "pair_bin"):
        write_collection(faces, tmp_path / layout, layout)
    on_disk, here = "nbutils.data.sources.on_disk", "nbutils.data.layouts."
    lfw = FolderData(dataset="lfw", root=tmp_path / "lfw")
    assert lfw.code() == (on_disk, f"{here}lfw")
    assert FolderData(dataset="celeba", root=tmp_path / "celeba").code() == (on_disk, f"{here}celeba")
    other = lfw.model_copy(update={"pairs_root": tmp_path / "pair_bin"})
    assert other.code() == (on_disk, f"{here}lfw", f"{here}pair_bin")
    assert SyntheticData().code() == ("nbutils.data.sources.embedded",)


@pytest.mark.slow
def test_a_new_layout_and_a_new_source_are_one_file_each(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "nbutils", tmp_path / "nbutils", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "nbutils/data/layouts/shoe_box.py").write_text(SHOE_BOX)
    (tmp_path / "nbutils/data/sources/grey.py").write_text(GREY)
    box = tmp_path / "box"
    box.mkdir()
    (box / "lid").touch()
    (box / "a.jpg").write_bytes(b"face")
    code = (
        "from nbutils.data import open_collection; from nbutils.data.spec import parse_data_spec\n"
        f"box = open_collection({str(box)!r}); print(box.layout, box.read(0))\n"
        "print(repr(parse_data_spec({'kind': 'grey', 'level': 7}).level))\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.stdout == "shoe_box b'face'\n7\n", done.stderr
    with pytest.raises(ParameterError):
        open_collection(box, "shoe_box")


@pytest.mark.slow
def test_reading_a_spec_imports_no_layout() -> None:
    code = (
        "import sys; from nbutils.data.spec import parse_data_spec\n"
        "parse_data_spec({'kind': 'folder', 'dataset': 'lfw', 'root': 'x'})\n"
        "print([m for m in sys.modules if m == 'torch' or m.startswith('nbutils.data.layouts.')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    found = set(eval(done.stdout))
    assert "torch" not in found
    assert not {layout_module(name) for name in known_layouts()} & found
