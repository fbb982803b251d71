"""Notebooks in JupyterLab in a browser, as a person uses them: run, moved, stopped, closed and opened again."""

import re
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from bs4 import BeautifulSoup
from playwright.sync_api import Browser, expect

from nbutils.reporting.page import render_page
from tests.support.explorers import EXPLORERS
from tests.support.jupyterlab import Lab, jupyterlab

pytestmark = [pytest.mark.slow, pytest.mark.notebook]

EPOCHS = 400
TRAINED = f"""\
from nbutils import ModelSpec, Schedule, SyntheticData, Term, TrainingSpec, train
spec = TrainingSpec(
    name="labels",
    data=SyntheticData(identities=4, images_per_identity=4, validation_images=4, pairs=20),
    model=ModelSpec("MobileIDStudent", options={{"width": 4}}),
    objective={{"labels": Term("LabelLoss")}},
    schedule=Schedule(epochs={EPOCHS}),
)
"""
EXPLORED = [
    "from tests.support.explorers import EXPLORERS, GIVEN\nglobals().update(GIVEN)",
    *(f"EXPLORERS[{name!r}]()" for name in EXPLORERS),
]


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    training = [TRAINED, "result = train(spec)\nprint(len(result.history), 'epochs')"]
    with jupyterlab(tmp_path_factory.mktemp("lab"), explorers=EXPLORED, training=training) as lab:
        yield lab


@pytest.mark.parametrize("name", ["quickstart", "lessons/1_distillation_by_hand", "lessons/3_choosing_neurons"])
def test_a_run_by_hand_leaves_the_page_of_a_batch_run(browser: Browser, lab: Lab, name: str) -> None:
    with lab.opened(browser, name) as notebook:
        notebook.restart_and_run_all()
        notebook.save()
    lab.end_kernels()

    executed = nbformat.read(lab.notebooks / f"{name}.ipynb", as_version=4)
    outputs = [output for cell in executed.cells for output in cell.get("outputs", ())]
    assert not [output for output in outputs if output.output_type == "error"]
    run = lab.notebooks.parent / "runs" / name
    title = BeautifulSoup((run / "page.html").read_text("utf-8"), "html.parser").title
    assert title is not None
    expected = render_page(executed, run, title=title.get_text())
    assert _content(run / "page.html") == _content(expected)


def _content(page: Path | str) -> list[str]:
    """What a page shows, piece by piece: texts, and pictures by their bytes."""
    html = page if isinstance(page, str) else page.read_text("utf-8")
    main = BeautifulSoup(html, "html.parser").select_one("main")
    assert main is not None
    pictures = [str(picture["src"]) for picture in main.select("img")]
    return [*main.stripped_strings, *pictures]


def test_explorers_follow_mouse_and_keyboard_and_are_there_again(browser: Browser, lab: Lab) -> None:
    with lab.opened(browser, "explorers") as notebook:
        notebook.restart_and_run_all()
        explorers = notebook.explorers()
        assert len(explorers) == len(EXPLORERS)
        for explorer in explorers:
            assert explorer.move_all() > 0
        seen = [explorer.digest for explorer in explorers]
        code = [explorer.code.inner_text() for explorer in explorers]
        notebook.save()
    with lab.opened(browser, "explorers") as notebook:  # the kernel lives: they go on
        explorers = notebook.explorers()
        assert [explorer.digest for explorer in explorers] == seen
        explorers[0].move_all()
    lab.end_kernels()
    with lab.opened(browser, "explorers") as notebook:  # it has ended: they stand as they were saved
        explorers = notebook.explorers()
        assert [explorer.digest for explorer in explorers] == seen
        assert [explorer.code.inner_text() for explorer in explorers] == code
    lab.end_kernels()


def test_a_training_that_is_stopped_says_what_is_kept_and_goes_on(browser: Browser, lab: Lab) -> None:
    with lab.opened(browser, "training") as notebook:
        notebook.run(notebook.cell("TrainingSpec"))
        training = notebook.cell("train(spec)")
        bar = training.locator(".widget-html-content", has_text=f"/{EPOCHS}")
        notebook.run(training)
        expect(bar).to_contain_text(re.compile(rf"\d\d/{EPOCHS}"), timeout=120_000)
        notebook.interrupt()
        notebook.wait()
        said = training.locator("[data-mime-type$=stderr]").inner_text()
        stopped = re.fullmatch(
            rf"Stopped while 'labels' trained: (\d+) of {EPOCHS} epochs are kept, and so is every training that was "
            r"finished before\. Run the cell again to go on\.",
            said.strip(),
        )
        assert stopped, said
        assert int(stopped[1]) >= 10

        notebook.run(training)
        expect(bar).to_be_visible(timeout=120_000)
        while not (epoch := int(bar.inner_text().split("/")[0])):  # drawn before the checkpoint is read
            notebook.page.wait_for_timeout(20)
        assert epoch >= int(stopped[1])
        notebook.wait()
        assert training.locator(".jp-OutputArea").inner_text().strip() == f"{EPOCHS} epochs"
    lab.end_kernels()
