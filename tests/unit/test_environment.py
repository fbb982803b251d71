"""environment.yml offers what pyproject.toml asks for, under conda-forge's names."""

import ast
import re
import sys
import tomllib
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
CONDA_NAMES = {
    "torch": "pytorch",
    "matplotlib": "matplotlib-base",
    "jupyter-client": "jupyter_client",
    "opencv-python-headless": "py-opencv",
}
MODULES = {
    "beautifulsoup4": "bs4",
    "ipython": "IPython",
    "opencv-python-headless": "cv2",
    "pillow": "PIL",
    "pyyaml": "yaml",
    "scikit-image": "skimage",
    "scikit-learn": "sklearn",
}


def _project() -> dict[str, Any]:
    content = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return dict(content["project"])


def _split(requirement: str) -> tuple[str, str]:
    found = re.fullmatch(r"([A-Za-z0-9_.-]+)(\[[a-z0-9,]+\])?([<>=!~].*)?", requirement)
    assert found, requirement
    return found[1].lower(), found[3] or ""


def test_environment_has_the_dependencies_of_pyproject() -> None:
    project = _project()
    extras = project["optional-dependencies"]
    assert {"nbutils[cluster]", "nbutils[site]"} <= set(extras["dev"])
    wanted = dict(map(_split, project["dependencies"] + extras["cluster"] + extras["site"] + extras["dev"]))
    del wanted["nbutils"]
    wanted = {CONDA_NAMES.get(name, name): bound for name, bound in wanted.items()}
    wanted |= {"python": project["requires-python"], "pip": ""}

    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))

    *listed, by_pip = environment["dependencies"]
    assert dict(map(_split, [*listed, *by_pip["pip"]])) == wanted


def test_every_import_of_the_package_is_a_dependency() -> None:
    project = _project()
    extras = project["optional-dependencies"]
    further = extras["openvino"] + extras["cluster"] + extras["site"]
    names = (_split(item)[0] for item in project["dependencies"] + further)
    declared = {MODULES.get(name, name.replace("-", "_")) for name in names}
    imported = set()
    for file in (ROOT / "nbutils").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                imported.add((node.module or "").partition(".")[0])

    assert imported - declared - set(sys.stdlib_module_names) == {"nbutils"}
