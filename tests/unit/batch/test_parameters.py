from pathlib import Path

import nbformat
import pytest

from nbutils.batch.parameters import Parameter, check_parameters, read_parameters, read_title
from nbutils.errors import ParameterError
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


def test_a_value_must_suit_every_notebook(make_notebook: Make, tmp_path: Path) -> None:
    other = make_notebook("b", parameters='extra = 1  # more\nout_dir = ""  # results')
    notebooks = {"a": make_notebook("a"), "b": other}

    with pytest.raises(ParameterError, match=r"^b has no parameter seed"):
        check_parameters(notebooks, [("seed", "1")], working_dir=tmp_path)


def test_a_notebook_must_take_its_folder(make_notebook: Make, tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match=r"^a: no parameter out_dir"):
        check_parameters({"a": make_notebook("a", parameters="seed = 1  # x")}, [], working_dir=tmp_path)
