"""Tiny notebooks that need seconds, in the form that the project's own have."""

from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest

PARAMETERS = """\
dataset = "synthetic"  # synthetic | lfw: where the faces come from
data_root = ""  # folder of the faces, where they are files
preset = "laptop"  # smoke | laptop | paper
seed = 0  # of everything random
rate = 0.1  # learning rate
quick = False  # leave out what takes long
out_dir = ""  # where the results go; set by the runner
"""

RUN = """\
from nbutils.reporting import Run
run = Run("trial", parameters={"dataset": dataset, "preset": preset, "seed": seed}, out_dir=out_dir)
"""

Make = Callable[..., Path]


@pytest.fixture
def make_notebook(tmp_path: Path) -> Make:
    """Function (name, *code cells, parameters=…) → the notebook's file below tmp_path/notebooks."""

    def make(name: str, *cells: str, parameters: str = PARAMETERS, title: str = "# A trial") -> Path:
        notebook = nbformat.v4.new_notebook(metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}})
        first = nbformat.v4.new_code_cell(parameters.rstrip(), metadata={"tags": ["parameters"]})
        code = [nbformat.v4.new_code_cell(cell) for cell in cells]
        notebook.cells = [nbformat.v4.new_markdown_cell(title), first, *code]
        file = tmp_path / "notebooks" / f"{name}.ipynb"
        file.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(notebook, file)
        return file

    return make
