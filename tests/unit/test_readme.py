"""The README's examples of own ideas run, cell by cell, as in a notebook."""

import os
import re
import sys
from pathlib import Path

import pytest

from tests.support.forks import run_forked

pytestmark = pytest.mark.slow

README = Path(__file__).parents[2] / "README.md"
RUN_CELLS = """
import sys
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
for cell in sys.stdin.read().split("\\0"):
    shell.run_cell(cell, store_history=True).raise_error()
"""


def test_the_examples_of_own_ideas_run_as_cells(tmp_path: Path) -> None:
    section = README.read_text(encoding="utf-8").partition("## Your own ideas\n")[2].partition("\n## ")[0]
    cells = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    assert len(cells) >= 5

    done = run_forked(
        [sys.executable, "-c", RUN_CELLS],
        input="\0".join([*cells, "assert 0 <= verified.auc <= 1 and result.trained_now"]),
        cwd=tmp_path,
        env=os.environ
        | {
            "NBUTILS_STORE": str(tmp_path / "store"),
            "IPYTHONDIR": str(tmp_path / "ipython"),
            "PYTHONPATH": str(README.parent),
        },
    )

    assert done.returncode == 0, done.stderr
    assert (tmp_path / "trial" / "tables" / "fig3.csv").is_file()
