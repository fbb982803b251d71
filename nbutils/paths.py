"""Where notebooks and manifests lie, and where runs and stored trainings go.

In a checkout of the project, all of them have their place in it. An installed package brings notebooks and manifests as
its data; `nbutils init FOLDER` makes a folder to work in, with notebooks of its own and a file `MARKER` by which it is
known. Elsewhere, runs go to the working folder, and trainings to the user's cache.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from pathlib import Path

from platformdirs import user_cache_path

from nbutils.errors import ParameterError

_PACKAGE = Path(__file__).resolve().parent
#: What `nbutils init` writes beside the notebooks.
MARKER = ".nbutils"
_NOTEBOOKS, _MANIFESTS = "notebooks", "data_manifests"


def _brought(name: str) -> Path:
    """A folder of the checkout, or what a wheel has in its place inside the package."""
    return (_PACKAGE.parent if _is_checkout(_PACKAGE.parent) else _PACKAGE) / name


def _is_checkout(folder: Path) -> bool:
    return all((folder / name).exists() for name in ("pyproject.toml", "nbutils", _NOTEBOOKS))


#: The project's own manifests of data sets.
MANIFEST_DIR = _brought(_MANIFESTS)


def project_root() -> Path | None:
    """Folder that is worked in; None where there is none, as with an installed package in any other folder.

    It is the nearest at or above the working folder that `nbutils init` made, else the checkout of this package, else
    the nearest checkout at or above the working folder.
    """
    working = Path.cwd()
    above = (working, *working.parents)
    made = (folder for folder in above if (folder / MARKER).is_file())
    checkouts = (folder for folder in (_PACKAGE.parent, *above) if _is_checkout(folder))
    return next(made, None) or next(checkouts, None)


def notebooks_dir() -> Path:
    """Folder of the source notebooks: the project's, else those that the package brings."""
    root = project_root()
    return root / _NOTEBOOKS if root else _brought(_NOTEBOOKS)


def runs_dir() -> Path:
    """Folder that executed notebooks and their tables and figures go to: `runs` of the project or working folder."""
    return (project_root() or Path.cwd()) / "runs"


def store_location() -> str:
    """Where trainings are stored: a folder, or the URL of a bucket.

    It is what the variable NBUTILS_STORE names, else `runs/store` of the project, else `store` in the user's cache.
    """
    named = os.environ.get("NBUTILS_STORE")
    if named:
        return named if is_url(named) else str(Path(named).expanduser().resolve())
    root = project_root()
    return str(root / "runs" / "store" if root else user_cache_path("nbutils", appauthor=False) / "store")


def default_store() -> Path:
    """Folder of stored trainings on this machine: `store_location`, or the cache of a bucket."""
    location = store_location()
    return cache_of(location) if is_url(location) else Path(location)


def is_url(location: str) -> bool:
    """Whether a store is named by a URL such as s3://bucket/prefix, and not by a folder."""
    return "://" in location


def cache_of(url: str) -> Path:
    """Folder of this machine in front of a bucket.

    It lies in what the variable NBUTILS_CACHE names, else in the user's cache.
    """
    named = os.environ.get("NBUTILS_CACHE")
    base = Path(named).expanduser().resolve() if named else user_cache_path("nbutils", appauthor=False) / "buckets"
    return base / hashlib.sha256(url.rstrip("/").encode()).hexdigest()[:16]


def rendered_faces_dir() -> Path:
    """Folder of rendered faces: `runs/faces` of the project, else `faces` in the user's cache."""
    root = project_root()
    return root / "runs" / "faces" if root else user_cache_path("nbutils", appauthor=False) / "faces"


def make_project(folder: Path) -> Path:
    """Makes a folder to work in: copies of the notebooks that the package brings, and the marker.

    Args:
        folder: A new one, or one without `notebooks` and marker; whatever else lies there stays.

    Returns:
        The folder of the notebooks.

    Raises:
        ParameterError: The folder holds notebooks already, or cannot be written.
    """
    notebooks, marker = folder / _NOTEBOOKS, folder / MARKER
    for there in (marker, notebooks):
        if there.exists() or there.is_symlink():
            raise ParameterError(f"{there}: is there already, expected a folder without it")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".notebooks-", dir=folder) as aside:
            whole = Path(aside) / "whole"
            hidden = shutil.ignore_patterns(".*", "__pycache__")
            shutil.copytree(_brought(_NOTEBOOKS), whole, ignore=hidden, copy_function=shutil.copyfile)
            whole.rename(notebooks)
        marker.write_text("Made by nbutils init: `nbutils` works in this folder.\n", encoding="utf-8")
    except OSError as error:
        raise ParameterError(f"{folder}: cannot be written: {error.strerror or error}") from error
    return notebooks
