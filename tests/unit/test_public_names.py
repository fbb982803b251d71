"""A package with a stub beside its `__init__` offers what the stub lists, lazily, and nothing else."""

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import nbutils

ROOT = Path(nbutils.__file__).parent
FACES = sorted(".".join(stub.parent.relative_to(ROOT.parent).parts) for stub in ROOT.rglob("__init__.pyi"))


@pytest.mark.parametrize("name", FACES)
def test_every_public_name_is_there_and_no_other(name: str) -> None:
    package = import_module(name)
    assert dir(package) == sorted(package.__all__)
    modules = {
        file.stem for file in Path(str(package.__file__)).parent.iterdir() if file.is_dir() or file.suffix == ".py"
    }
    # A function of a module's name would give way to the module once that is imported.
    assert not modules & set(package.__all__)
    assert all(hasattr(package, public) for public in package.__all__)


def test_a_package_imports_nothing_before_it_is_asked() -> None:
    code = (
        f"import sys; import {', '.join(FACES)}; print({{'numpy', 'torch', 'pandas', 'matplotlib'}} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
