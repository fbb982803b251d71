from pathlib import Path

import nbformat
import numpy as np
import pytest
import torch

from nbutils.batch.parameters import BOUNDS, Parameter, check_parameters, read_parameters, read_title
from nbutils.data.manifest import load_manifest
from nbutils.data.sources.embedded import SyntheticData
from nbutils.errors import ParameterError
from nbutils.papers.wang2017 import face_sets
from nbutils.paths import MANIFEST_DIR
from tests.unit.batch.conftest import Make


def test_parameters_are_read_with_defaults_comments_and_choices(make_notebook: Make) -> None:
    file = make_notebook("a", "1")

    parameters = read_parameters(file)

    assert list(parameters) == ["dataset", "data_root", "preset", "seed", "rate", "quick", "out_dir"]
    assert parameters["rate"] == Parameter("rate", 0.1, "learning rate")
    assert parameters["preset"].choices == ("smoke", "laptop", "paper")
    assert parameters["dataset"].choices == ("synthetic", "lfw")
    assert parameters["seed"].choices == ()
    assert read_title(file) == "A trial"


def test_a_comment_may_follow_text_that_is_not_ascii(make_notebook: Make) -> None:
    parameters = read_parameters(make_notebook("a", parameters='λ = "größe # 1"  # τ²\nnegative = -1  # below'))

    assert parameters["λ"] == Parameter("λ", "größe # 1", "τ²")
    assert parameters["negative"].default == -1


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("seed = 0", "line 2: expected 'name = literal  # comment', found 'seed = 0'"),
        ("seed: int = 0  # of all", "line 2: expected"),
        ("seed = None  # of all", "line 2: expected"),
        ("seed = [1]  # of all", "line 2: expected"),
        ("seed = 1 + 1  # of all", "line 2: expected"),
        ("seed = other = 1  # of all", "line 2: expected"),
        ("import os  # of all", "line 2: expected"),
        ("first = 2  # again", "line 2: first is set twice"),
        ('preset = "huge"  # smoke | laptop', "line 2: the default 'huge' is not among smoke | laptop"),
        ("seed = = 1", "line 2: invalid syntax"),
    ],
)
def test_a_cell_of_another_form_is_refused_by_line(make_notebook: Make, line: str, message: str) -> None:
    file = make_notebook("a", parameters=f"first = 1  # one\n{line}")

    with pytest.raises(ParameterError, match=f"a.ipynb: parameters, {message.replace('|', '.')}"):
        read_parameters(file)


def test_one_cell_of_parameters_the_first_of_code(make_notebook: Make) -> None:
    file = make_notebook("a", "x = 1")
    notebook = nbformat.read(file, as_version=4)
    for tags, cells in (
        ([["parameters"], ["parameters"]], 2),
        ([[], ["parameters"]], 1),
        ([[], []], 0),
    ):
        for cell, tag in zip(notebook.cells[1:], tags, strict=True):
            cell.metadata.tags = tag
        nbformat.write(notebook, file)
        with pytest.raises(ParameterError, match=f"{cells} cells tagged 'parameters', expected one, the first"):
            read_parameters(file)


def test_a_file_that_is_no_notebook_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.ipynb").write_text("{}", encoding="utf-8")
    with pytest.raises(ParameterError, match=r"a\.ipynb: not a notebook of format 4"):
        read_parameters(tmp_path / "a.ipynb")
    with pytest.raises(ParameterError, match=r"no notebook .*b\.ipynb"):
        read_parameters(tmp_path / "b.ipynb")


def test_values_get_the_type_of_the_default(make_notebook: Make, tmp_path: Path) -> None:
    (tmp_path / "faces").mkdir()
    given = [
        ("seed", "7"),
        ("rate", "1e-3"),
        ("quick", "true"),
        ("dataset", "lfw"),
        ("data_root", "../faces"),
    ]

    values = check_parameters({"a": make_notebook("a")}, given, working_dir=tmp_path / "here")

    assert values == {
        "a": {
            "seed": 7,
            "rate": 0.001,
            "quick": True,
            "dataset": "lfw",
            "data_root": str(tmp_path / "faces"),
        }
    }
    assert type(values["a"]["seed"]) is int


def test_an_empty_path_stays_empty(make_notebook: Make, tmp_path: Path) -> None:
    values = check_parameters({"a": make_notebook("a")}, [("data_root", "")], working_dir=tmp_path)

    assert values == {"a": {"data_root": ""}}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([("sed", "1")], "^a has no parameter sed: did you mean seed"),
        ([("temperature", "1")], "^a has no parameter temperature: .*(it has dataset|did you mean)"),
        ([("seed", "one")], "^a: parameter seed is 'one', expected an int"),
        ([("seed", "1.5")], "^a: parameter seed is '1.5', expected an int"),
        ([("seed", "")], "^a: parameter seed is '', expected an int"),
        ([("seed", "-1")], "^a: parameter seed is -1, expected 0 to 4294967295$"),
        ([("seed", "4294967296")], "^a: parameter seed is 4294967296, expected 0 to 4294967295$"),
        ([("data_root", "nowhere")], "^a: parameter data_root is 'nowhere': there is no .*/nowhere$"),
        ([("data_root", "a\x00b")], "^a: parameter data_root is 'a.x00b': "),
        ([("data_root", "\udc80")], "^a: parameter data_root is '.udc80', expected a str of UTF-8$"),
        ([("data_root", "x" * 5000)], "^a: parameter data_root is 'xx.*(too long|no )"),
        ([("dataset", "lfw")], "^a: parameter data_root is empty: expected the folder or file of Labeled Faces in the"),
        ([("rate", "fast")], "^a: parameter rate is 'fast', expected a float"),
        ([("rate", "nan")], "^a: parameter rate is 'nan', expected a float: a finite"),
        ([("quick", "1")], "^a: parameter quick is '1', expected a bool: true or false"),
        ([("preset", "huge")], "^a: parameter preset is 'huge', expected smoke or laptop or paper"),
        ([("seed", "1"), ("seed", "2")], "^parameter seed is given twice"),
        ([("out_dir", "x")], "^parameter out_dir is set by --out"),
    ],
)
def test_unknown_and_mistyped_values_are_refused(
    make_notebook: Make, tmp_path: Path, given: list[tuple[str, str]], message: str
) -> None:
    with pytest.raises(ParameterError, match=message):
        check_parameters({"a": make_notebook("a")}, given, working_dir=tmp_path)


OPEN = """\
dataset = "synthetic"  # synthetic, or a manifest
data_root = ""  # its folder
second_dataset = ""  # another
second_root = ""  # its folder
seed = 0  # of all
seeds = 1  # trainings of each
out_dir = ""  # results
"""


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([("seeds", "0")], "^a: parameter seeds is 0, expected 1 to 100$"),
        ([("seeds", "1000000")], "^a: parameter seeds is 1000000, expected 1 to 100$"),
        ([("seed", "4294967295"), ("seeds", "2")], "^a: parameter seed is 4294967295 and seeds 2, expected the last"),
        ([("dataset", "lfv")], "^a: parameter dataset is 'lfv': no manifest 'lfv' in .*there are: casia_webface"),
        ([("dataset", "../lfw")], "^a: parameter dataset is '../lfw': no manifest"),
        ([("dataset", "none.yml")], "^a: parameter dataset is 'none.yml': there is no .*/none.yml$"),
        ([("dataset", "bad.yml")], r"^a: parameter dataset is '.*/bad\.yml': .*/bad\.yml:1: not YAML"),
        ([("second_dataset", "lfw")], "^a: parameter second_root is empty: expected the folder or file of Labeled"),
    ],
)
def test_data_sets_and_seeds_are_checked_before_anything_runs(
    make_notebook: Make, tmp_path: Path, given: list[tuple[str, str]], message: str
) -> None:
    (tmp_path / "bad.yml").write_text("{", encoding="utf-8")
    with pytest.raises(ParameterError, match=message):
        check_parameters({"a": make_notebook("a", parameters=OPEN)}, given, working_dir=tmp_path)


def test_a_manifests_path_starts_where_the_user_is(make_notebook: Make, tmp_path: Path) -> None:
    (tmp_path / "mine.yml").write_text((MANIFEST_DIR / "lfw.yml").read_text(encoding="utf-8"), encoding="utf-8")
    given = [("dataset", "mine.yml"), ("data_root", "."), ("seed", "4294967295"), ("seeds", "1")]

    values = check_parameters({"a": make_notebook("a", parameters=OPEN)}, given, working_dir=tmp_path)["a"]

    assert (values["dataset"], values["data_root"]) == (str(tmp_path / "mine.yml"), str(tmp_path))
    assert load_manifest(str(values["dataset"])).title == "Labeled Faces in the Wild"


def test_the_largest_seed_works_everywhere() -> None:
    largest = BOUNDS["seed"][1]
    for data in face_sets("synthetic", preset="smoke", seed=largest).values():
        assert isinstance(data, SyntheticData)
        assert len(data.model_copy(update={"identities": 2, "validation_images": 4, "pairs": 4}).load().train) > 0
    torch.manual_seed(largest)
    np.random.RandomState(largest)


def test_a_value_must_suit_every_notebook(make_notebook: Make, tmp_path: Path) -> None:
    other = make_notebook("b", parameters='extra = 1  # more\nout_dir = ""  # results')
    notebooks = {"a": make_notebook("a"), "b": other}

    with pytest.raises(ParameterError, match=r"^b has no parameter seed"):
        check_parameters(notebooks, [("seed", "1")], working_dir=tmp_path)


def test_a_notebook_must_take_its_folder(make_notebook: Make, tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match=r"^a: no parameter out_dir"):
        check_parameters({"a": make_notebook("a", parameters="seed = 1  # x")}, [], working_dir=tmp_path)
