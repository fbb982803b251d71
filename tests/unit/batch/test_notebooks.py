from pathlib import Path

import pytest

from nbutils.batch.notebooks import choose_notebooks, find_notebooks
from nbutils.errors import ParameterError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    names = (
        "quickstart",
        "luo2016/01_a",
        "luo2016/02_b",
        "luo2016/02_bc",
        "luo2016/.ipynb_checkpoints/02_b-copy",
    )
    for name in names:
        file = tmp_path / "notebooks" / f"{name}.ipynb"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    (tmp_path / "mine.ipynb").touch()
    return tmp_path / "notebooks"


def test_names_come_from_paths_without_checkpoints(folder: Path) -> None:
    assert list(find_notebooks(folder)) == ["luo2016/01_a", "luo2016/02_b", "luo2016/02_bc", "quickstart"]


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (["quickstart"], ["quickstart"]),
        (["quick"], ["quickstart"]),
        (["luo2016/01"], ["luo2016/01_a"]),
        (["luo2016/02_b"], ["luo2016/02_b"]),
        (["luo2016/*"], ["luo2016/01_a", "luo2016/02_b", "luo2016/02_bc"]),
        (["luo2016/0[1]*", "luo2016/01_a"], ["luo2016/01_a"]),
        (["notebooks/luo2016/01_a.ipynb", "mine.ipynb"], ["luo2016/01_a", "mine"]),
    ],
)
def test_words_choose_notebooks(folder: Path, words: list[str], names: list[str]) -> None:
    chosen = choose_notebooks(words, folder, folder.parent)

    assert list(chosen) == names
    assert all(file.is_file() for file in chosen.values())


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("luo2016/02", "begins several notebooks: luo2016/02_b, luo2016/02_bc"),
        ("quickstar_", "did you mean quickstart"),
        ("zzz*", "there are luo2016/01_a"),
        ("", "no notebook ''"),
        ("absent.ipynb", r"no notebook absent\.ipynb"),
    ],
)
def test_words_that_choose_none_or_several(folder: Path, word: str, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        choose_notebooks([word], folder, folder.parent)


def test_two_files_may_not_share_a_run(folder: Path) -> None:
    (folder.parent / "quickstart.ipynb").touch()
    with pytest.raises(ParameterError, match="would both be run as quickstart"):
        choose_notebooks(["quickstart", "quickstart.ipynb"], folder, folder.parent)
