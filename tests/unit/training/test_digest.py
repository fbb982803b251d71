"""Following imports: what counts, what does not, and what happens where an import cannot be followed."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from nbutils.training.digest import closure, forget, is_own, module_digest, source_digest


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package of a user's: `mine_here`."""
    files = {
        "__init__.py": "",
        "loss.py": "import torch\nfrom . import maps\nfrom nbutils.losses import LabelLoss\n",
        "maps.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from mine_here import other\n",
        "lazy.py": "def f():\n    from mine_here.deep.inner import g\n    return g\n",
        "other.py": "import json\n",
        "deep/__init__.py": "",
        "deep/inner.py": "from ..maps import TYPE_CHECKING\ndef g(): ...\n",
        "computed.py": "import importlib\ndef f(name):\n    return importlib.import_module(name)\n",
        "broken.py": "def f(:\n",
    }
    for name, text in files.items():
        file = tmp_path / "mine_here" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    forget()
    yield tmp_path / "mine_here"
    forget()


def _own(*roots: str) -> set[str]:
    return {name.removeprefix("mine_here").lstrip(".") for name in closure(roots) if name.startswith("mine_here")}


def test_imports_are_followed_within_the_project_and_into_nbutils(project: Path) -> None:
    found = closure(("mine_here.loss",))
    assert {"mine_here", "mine_here.loss", "mine_here.maps", "nbutils.losses.identity_labels"} <= found.keys()
    assert not {name for name in found if name.startswith(("torch", "mine_here.other", "mine_here.deep"))}
    assert "nbutils.losses.triplet" not in found
    assert "nbutils.errors" not in found


def test_imports_inside_functions_count(project: Path) -> None:
    assert _own("mine_here.lazy") == {"", "lazy", "deep", "deep.inner", "maps"}


@pytest.mark.parametrize(("module", "why"), [("computed", "by a computed name"), ("broken", "cannot be parsed")])
def test_where_an_import_cannot_be_followed_the_whole_package_counts_and_the_log_says_so(
    module: str, why: str, project: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        found = _own(f"mine_here.{module}")
    assert found >= {"loss", "maps", "lazy", "other", "deep.inner", "computed", "broken"}
    assert why in caplog.text
    assert "all of mine_here counts" in caplog.text


def test_a_digest_follows_the_code_alone(project: Path) -> None:
    before = module_digest("mine_here.other")
    (project / "other.py").write_text('"""What it is for."""\n\nimport json  # why\n')
    forget()
    assert module_digest("mine_here.other") == before
    (project / "other.py").write_text("import json as j\n")
    assert module_digest("mine_here.other") == before  # read once, as Python does
    forget()
    assert module_digest("mine_here.other") != before


def test_a_text_without_a_module_is_followed_too(project: Path) -> None:
    text = "from mine_here.maps import TYPE_CHECKING\n"
    assert closure(sources=(text,)).keys() == {f"source {source_digest(text)}", "mine_here", "mine_here.maps"}


def test_installed_packages_and_unknown_ones_are_not_followed() -> None:
    assert not any(map(is_own, ("torch.nn", "json", "sys", "no_such_package.module")))
    assert is_own("nbutils.losses.triplet")
