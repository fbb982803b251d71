"""The packages' faces: each offers what its stub lists, with docstrings and examples, and nothing that leaked in."""

import ast
import inspect
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import FunctionType, ModuleType

import pytest

import nbutils

PACKAGES = (
    *("data", "models", "losses", "selection", "training", "evaluation", "reporting", "viz", "papers", "exercises"),
    "batch",
)
PAPERS = ("papers.luo2016", "papers.wang2017")
#: Public functions whose docstring has no example that runs, with the reason.
WITHOUT_EXAMPLE = {
    "build_report": "needs finished runs of notebooks",
    "build_site": "needs finished runs of notebooks, and Sphinx",
    "check_onnx": "exports a network first, which takes seconds",
    "connected": "starts the processes of a cluster",
    "export_lessons": "writes a folder of notebooks",
    "export_onnx": "takes seconds and writes a file",
    "export_training": "trains a notebook's network",
    "fetch_files": "downloads",
    "quantise_onnx": "exports a network first, which takes seconds",
    "run_jobs": "runs notebooks",
    "run_sweep": "needs a cluster, and runs notebooks",
}
FACES = ("nbutils", *(f"nbutils.{name}" for name in PACKAGES + PAPERS))


def _public() -> Iterator[tuple[str, str, object]]:
    """Face, name and object of all that the faces offer."""
    for face in FACES:
        module = import_module(face)
        for name in module.__all__:
            found = getattr(module, name)
            yield face, name, found if isinstance(found, type) else inspect.unwrap(found)  # cached functions too


@pytest.mark.parametrize("face", FACES)
def test_a_face_offers_what_its_stub_lists_and_nothing_else(face: str) -> None:
    module = import_module(face)
    assert module.__file__ is not None
    stub = ast.parse(Path(module.__file__).with_suffix(".pyi").read_text(encoding="utf-8"))
    listed = [each.asname or each.name for node in stub.body if isinstance(node, ast.ImportFrom) for each in node.names]
    assert dir(module) == sorted(module.__all__) == sorted(listed)
    assert len(set(listed)) == len(listed)
    assert not [name for name in module.__all__ if name.startswith("_")]
    files = {each.stem for each in Path(module.__file__).parent.iterdir() if each.is_dir() or each.suffix == ".py"}
    assert not {name for name in module.__all__ if not isinstance(getattr(module, name), ModuleType)} & files


def test_every_public_name_is_an_object_with_a_docstring() -> None:
    modules = {name for face, name, found in _public() if isinstance(found, ModuleType)}
    assert modules == set(PACKAGES)

    bare = {
        f"{face}.{name}"
        for face, name, found in _public()
        if isinstance(found, type | FunctionType)
        and (not (vars(found).get("__doc__") if isinstance(found, type) else found.__doc__) or _is_generated(found))
    }
    assert not bare


def test_every_public_function_has_an_example() -> None:
    functions = {name: found.__doc__ or "" for _, name, found in _public() if isinstance(found, FunctionType)}
    without = {name for name, doc in functions.items() if "Example:\n" not in doc or ">>> " not in doc}
    assert without == set(WITHOUT_EXAMPLE)


def _is_generated(found: object) -> bool:
    """Whether a class has no docstring but the signature that `dataclass` writes."""
    return (found.__doc__ or "").startswith(f"{getattr(found, '__name__', '')}(")


def test_importing_the_package_imports_nothing_heavy() -> None:
    code = "import sys, nbutils, nbutils.data; print(sorted(sys.modules.keys() & {'torch', 'cv2', 'numpy', 'pandas'}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_what_runs_notebooks_imports_neither_torch_nor_scipy() -> None:
    code = "import sys, nbutils.batch.runner, nbutils.reporting.report; print(sys.modules.keys() & {'torch', 'scipy'})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


@pytest.mark.slow
def test_a_notebooks_trainings_are_checked_without_what_takes_seconds_to_import() -> None:
    code = """if True:
        import sys
        from nbutils.papers import luo2016
        from nbutils.training.checks import check
        check(luo2016.quickstart_trainings("synthetic", "", "", "", "smoke", 0, "", "")["selection"])
        print(sys.modules.keys() & {"torch._dynamo", "torchvision", "lightning_fabric"})
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_the_package_itself_offers_what_a_notebook_needs() -> None:
    assert {"train", "TrainingSpec", "load_faces", "Run", "Teacher", "select_neurons", "Loss"} <= set(dir(nbutils))
    assert set(PACKAGES) <= set(dir(nbutils))
    with pytest.raises(AttributeError, match="nothing_of_that_name"):
        _ = nbutils.nothing_of_that_name  # type: ignore[attr-defined]
