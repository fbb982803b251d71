from pathlib import Path

import pytest

from nbutils import paths
from nbutils.errors import NbutilsError

ROOT = Path(__file__).resolve().parents[2]


def test_the_root_is_this_checkout_from_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert paths.project_root() == ROOT
    assert paths.runs_dir() == ROOT / "runs"


def test_an_installed_package_finds_the_checkout_above_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paths, "__file__", str(tmp_path / "site/nbutils/paths.py"))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(NbutilsError, match=r"no folder with pyproject\.toml and nbutils/"):
        paths.project_root()

    monkeypatch.chdir(ROOT / "tests" / "unit")
    assert paths.project_root() == ROOT


def test_the_store_may_lie_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NBUTILS_STORE", raising=False)
    assert paths.default_store() == ROOT / "runs/store"
    monkeypatch.setenv("NBUTILS_STORE", str(tmp_path / "s"))
    assert paths.default_store() == tmp_path / "s"
