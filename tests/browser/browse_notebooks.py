"""Every notebook, run in JupyterLab in a browser, and each of its explorers moved."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from nbutils.batch.notebooks import find_notebooks
from nbutils.paths import notebooks_dir
from tests.support.jupyterlab import Lab, jupyterlab

NOTEBOOKS = find_notebooks(notebooks_dir())
WITH_EXPLORER = {
    name
    for name, file in NOTEBOOKS.items()
    if re.search(r"\.\w+_(explorer|browser)\(", file.read_text(encoding="utf-8"))
}


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with jupyterlab(tmp_path_factory.mktemp("lab")) as lab:
        yield lab


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_runs_and_its_explorers_move(browser: Browser, lab: Lab, name: str) -> None:
    with lab.opened(browser, name) as notebook:
        notebook.restart_and_run_all(seconds=600)
        assert (lab.notebooks.parent / "runs" / name / "page.html").is_file()  # written by the last cell
        for explorer in notebook.explorers() if name in WITH_EXPLORER else ():
            assert explorer.move_all() > 0
    lab.end_kernels()
