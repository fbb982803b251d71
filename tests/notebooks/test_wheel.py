"""A wheel, installed outside the repository, brings all that the commands need."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = "Scripts" if os.name == "nt" else "bin"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Holds `env`, with the wheel and the packages of this environment, but neither its checkout nor its commands."""
    folder = tmp_path_factory.mktemp("away")
    _python("-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder), cwd=ROOT)
    (wheel,) = folder.glob("*.whl")
    _python("-m", "venv", "--without-pip", str(folder / "env"), cwd=folder)
    _python(
        "-m", "pip", "-q", "--python", str(folder / "env"), "install", "--no-deps", "--no-index", str(wheel), cwd=folder
    )
    (site,) = (path.parent for path in folder.glob("env/[Ll]ib/**/nbutils") if path.is_dir())
    # Folders that a .pth file names are searched for modules, but not for further .pth files, such as the checkout's.
    packages = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    (site / "packages.pth").write_text("\n".join(sorted(packages)), encoding="utf-8")
    return folder


def _python(*words: str, cwd: Path) -> None:
    subprocess.run([sys.executable, *words], cwd=cwd, check=True, capture_output=True)


def _away(folder: Path, command: str, *words: str, cwd: str = ".") -> str:
    kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "NBUTILS_STORE")}
    places = {name: str(folder / "cache") for name in ("XDG_CACHE_HOME", "LOCALAPPDATA", "HOME")}
    done = subprocess.run(
        [folder / "env" / SCRIPTS / command, *words],
        cwd=folder / cwd,
        env=kept | places | {"COLUMNS": "200", "JUPYTER_PATH": str(Path(sys.prefix, "share", "jupyter"))},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


PLACES = """
import nbutils, sys
from nbutils import paths
assert REPOSITORY not in sys.path
for place in (nbutils.__file__, paths.MANIFEST_DIR, paths.notebooks_dir(), paths.runs_dir(), paths.default_store()):
    print(place)
"""


def test_notebooks_and_manifests_travel_in_the_wheel(folder: Path) -> None:
    listed = _away(folder, "nbutils", "list")
    for notebook in (ROOT / "notebooks").rglob("[!.]*.ipynb"):
        assert notebook.stem in listed
    manifests = _away(folder, "nbutils", "data", "list")
    for manifest in (ROOT / "data_manifests").glob("*.yml"):
        assert manifest.stem in manifests


def test_jupyterlab_saves_explorers_by_default(folder: Path) -> None:
    settings = folder / "env" / "share" / "jupyter" / "lab" / "settings" / "overrides.d" / "nbutils.json"
    assert json.loads(settings.read_text(encoding="utf-8"))["@jupyter-widgets/jupyterlab-manager:plugin"]["saveState"]


def test_a_folder_to_work_in(folder: Path) -> None:
    code = f"REPOSITORY = {str(ROOT)!r}\n{PLACES}"
    package, manifests, notebooks, runs, store = map(Path, _away(folder, "python", "-c", code).splitlines())
    assert package.is_relative_to(folder / "env")
    assert (manifests, notebooks) == (package.parent / "data_manifests", package.parent / "notebooks")
    assert runs == folder / "runs"
    assert store.is_relative_to(folder / "cache")

    assert str(Path("work", "notebooks")) in _away(folder, "nbutils", "init", "work")
    inside = _away(folder, "python", "-c", code, cwd="work/notebooks/luo2016").splitlines()
    assert list(map(Path, inside[2:])) == [folder / "work" / name for name in ("notebooks", "runs", "runs/store")]


@pytest.mark.notebook
def test_quickstart_runs_from_the_wheel(folder: Path) -> None:
    _away(folder, "nbutils", "run", "quickstart", "--preset", "smoke")
    assert (folder / "runs" / "quickstart" / "metrics.json").is_file()
    assert (folder / "runs" / "index.html").is_file()
    assert list((folder / "cache").rglob("store/*/weights.safetensors"))
