from pathlib import Path

import pytest

from nbutils import paths
from nbutils.batch.notebooks import find_notebooks
from nbutils.errors import ParameterError

ROOT = Path(__file__).resolve().parents[2]


def test_the_root_is_this_checkout_from_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert paths.project_root() == ROOT
    assert paths.runs_dir() == ROOT / "runs"


def test_an_installed_package_works_in_any_folder_or_in_the_checkout_above(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NBUTILS_STORE", raising=False)
    monkeypatch.setattr(paths, "_PACKAGE", tmp_path / "site/nbutils")
    monkeypatch.setattr(paths, "user_cache_path", lambda name, **_: tmp_path / "cache" / name)
    monkeypatch.chdir(tmp_path)
    assert paths.project_root() is None
    assert paths.notebooks_dir() == tmp_path / "site/nbutils/notebooks"
    assert paths.runs_dir() == tmp_path / "runs"
    assert paths.default_store() == tmp_path / "cache/nbutils/store"

    monkeypatch.chdir(ROOT / "tests" / "unit")
    assert paths.project_root() == ROOT


def test_a_folder_to_work_in_has_its_own_notebooks_and_keeps_what_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.txt").write_text("mine")
    assert paths.make_project(mine) == mine / "notebooks"
    assert find_notebooks(mine / "notebooks").keys() == find_notebooks(ROOT / "notebooks").keys()
    assert sorted(path.name for path in mine.iterdir()) == [".nbutils", "notebooks", "thesis.txt"]
    monkeypatch.chdir(mine / "notebooks" / "luo2016")
    assert (paths.project_root(), paths.runs_dir()) == (mine, mine / "runs")

    before = {path: path.read_bytes() for path in mine.rglob("*") if path.is_file()}
    with pytest.raises(ParameterError, match=r"\.nbutils: is there already"):
        paths.make_project(mine)
    (tmp_path / "notebooks").mkdir()
    with pytest.raises(ParameterError, match="notebooks: is there already"):
        paths.make_project(tmp_path)
    with pytest.raises(ParameterError, match=r"thesis\.txt: cannot be written: "):
        paths.make_project(mine / "thesis.txt")
    assert {path: path.read_bytes() for path in mine.rglob("*") if path.is_file()} == before


def test_the_store_may_lie_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NBUTILS_STORE", raising=False)
    assert paths.default_store() == ROOT / "runs/store"
    monkeypatch.setenv("NBUTILS_STORE", str(tmp_path / "s"))
    assert paths.default_store() == tmp_path / "s"
