"""Where the project's notebooks and manifests lie, and where runs and stored trainings go."""

from __future__ import annotations

import os
from pathlib import Path

from nbutils.errors import NbutilsError

#: The project's own manifests of data sets.
MANIFEST_DIR = Path(__file__).parent.parent / "data_manifests"


def project_root() -> Path:
    """Folder of the project: the checkout of this package, else the nearest at or above the working folder.

    Raises:
        NbutilsError: no such folder is found, as with a package installed away from its checkout.
    """
    checkout = Path(__file__).resolve().parent.parent
    working = Path.cwd()
    for folder in (checkout, working, *working.parents):
        if (folder / "pyproject.toml").is_file() and (folder / "nbutils").is_dir():
            return folder
    raise NbutilsError(
        f"no folder with pyproject.toml and nbutils/ at {checkout}, {working} or above it: "
        "run from inside a checkout of the project"
    )


def notebooks_dir() -> Path:
    """Folder of the source notebooks."""
    return project_root() / "notebooks"


def runs_dir() -> Path:
    """Folder that executed notebooks and their tables and figures go to."""
    return project_root() / "runs"


def default_store() -> Path:
    """Folder of stored trainings: what the variable NBUTILS_STORE names, else `runs/store` of the project."""
    named = os.environ.get("NBUTILS_STORE")
    return Path(named).expanduser().resolve() if named else runs_dir() / "store"
