"""A site of runs, opened from its files in a browser that has no network: pages, search, explorers, the student."""

import base64
import io
import json
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import nbformat
import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from bs4 import BeautifulSoup
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from nbutils.batch import Job, Site, build_site, find_notebooks, notebook_trainings, run_jobs
from nbutils.models import extract_features
from nbutils.paths import notebooks_dir
from nbutils.training import train
from tests.support.forks import fork_runs

pytestmark = [pytest.mark.slow, pytest.mark.notebook]

WIDTHS, SCHEMES = (1400, 800, 390), ("light", "dark")
AXED = (
    ("index", "light", 1400),
    ("report", "dark", 390),
    ("explored", "dark", 390),
    ("student", "light", 1400),
    ("lessons/1_distillation_by_hand", "light", 390),
    ("api/nbutils.losses", "dark", 1400),
)
PARAMETERS = 'preset = "smoke"\ndataset = "synthetic"\nseed = 0\nout_dir = ""'
EXPLORED = """\
import ipywidgets as widgets
import pandas as pd
from matplotlib import pyplot as plt
from nbutils import Run, viz

run = Run.start("explored", globals())
figure, ax = plt.subplots(figsize=(4, 2))
(line,) = ax.plot([0, 1], [0, 1])


def draw(slope, ticked):
    if slope == 2 and ticked:
        return viz.Shown(None, "Nothing is to be seen at 2.")
    line.set_ydata([0, slope])
    return viz.Shown(figure, f"The slope is {slope}.")


run.table("wide", pd.DataFrame({f"a long heading {i}": [i / 7] for i in range(30)}), caption="A wide table")
run.figure("line", plt.figure(figsize=(4, 2)), caption="A figure")
"""
EXPLORER = """\
viz.explorer(
    draw,
    lambda slope, ticked: f"draw({slope}, {ticked})",
    slope=widgets.IntSlider(value=1, min=0, max=2, description="slope"),
    ticked=widgets.Checkbox(value=True, description="ticked"),
)"""
FAILED = 'from nbutils import Run\nrun = Run.start("failed", globals())\nraise ValueError("this was to fail")'


@dataclass(frozen=True)
class Made:
    """A site that was made."""

    site: Site
    folder: Path
    pages: tuple[str, ...]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    folder = tmp_path_factory.mktemp("site")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NBUTILS_STORE", str(folder / "store"))
        fork_runs(patch)
        runs = folder / "runs"
        explored = _notebook(folder / "explored.ipynb", EXPLORED, EXPLORER, "run.finish()")
        failed = _notebook(folder / "failed.ipynb", FAILED)
        jobs = [
            Job("quickstart", find_notebooks(notebooks_dir())["quickstart"], runs / "quickstart", {"preset": "smoke"}),
            Job("explored", explored, runs / "explored", {}),
            Job("failed", failed, runs / "failed", {}),
        ]
        outcomes = run_jobs(jobs, cell_limit_s=300)
        assert [outcome.error is None for outcome in outcomes] == [True, True, False]
        shutil.copytree(runs / "explored", runs / "pageless")
        for name in ("executed.ipynb", "page.html"):
            (runs / "pageless" / name).unlink()
        shutil.copytree(runs / "explored", runs / "written by hand")  # as JupyterLab leaves it
        (runs / "written by hand" / "executed.ipynb").unlink()
        site = build_site([runs], folder / "site")
        pages = ("index", "report", "quickstart", "explored", "runs/2/explored", "failed", "student", "glossary")
        yield Made(site, folder / "site", (*pages, "lessons/1_distillation_by_hand", "api/nbutils.losses"))


def _notebook(file: Path, *cells: str) -> Path:
    code = [new_code_cell(cell) for cell in cells]
    head = [
        new_markdown_cell(f"# The notebook {file.stem}\n\nFormulas: $x^2$ and\n\n$$\\frac{{a}}{{b}}$$"),
        new_code_cell(PARAMETERS, metadata={"tags": ["parameters"]}),
        new_markdown_cell("A [word](glossary.md#auc), and [one that is not here](nowhere.ipynb)."),
    ]
    nbformat.write(new_notebook(cells=[*head, *code]), file)
    return file


@contextmanager
def _opened(browser: Browser, made: Made, name: str, *, scheme: Any = "light", width: int = 1400) -> Iterator[Page]:  # noqa: ANN401
    """A page of the site, in a browser that has no network; it must ask for nothing, and complain of nothing."""
    complaints: list[str] = []
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, offline=True)
    context.on("request", lambda asked: complaints.append(asked.url) if _is_remote(asked.url) else None)
    page = context.new_page()
    page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(f"{(made.folder / f'{name}.html').as_uri()}")
    yield page
    context.close()
    assert complaints == []


def _is_remote(address: str) -> bool:
    return not address.startswith(("file:", "data:", "blob:"))


def test_pages_stand_at_every_width_light_and_dark(browser: Browser, made: Made) -> None:
    for name in made.pages:
        with _opened(browser, made, name) as page:
            grounds = set()
            for scheme in SCHEMES:
                page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
                grounds.add(page.evaluate("getComputedStyle(document.body).backgroundColor"))
                for width in WIDTHS:
                    page.set_viewport_size({"width": width, "height": 900})
                    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, (name, width)
            assert len(grounds) == 2, name
            pictures = "[...document.images].filter(i => i.loading !== 'lazy').every(i => i.complete && i.naturalWidth)"
            assert page.evaluate(pictures), name


def test_axe_finds_nothing_serious(browser: Browser, made: Made) -> None:
    axe = Axe()
    for name, scheme, width in AXED:
        with _opened(browser, made, name, scheme=scheme, width=width) as page:
            found = axe.run(page, options={"preload": False}).response["violations"]
            serious = [
                (each["id"], each["nodes"][0]["html"][:200])
                for each in found
                if each["impact"] in ("serious", "critical")
            ]
            assert serious == [], (name, scheme)


def test_every_link_leads_somewhere(made: Made) -> None:
    pages = {file: BeautifulSoup(file.read_text("utf-8"), "html.parser") for file in made.folder.rglob("*.html")}
    anchors = {file: {str(tag["id"]) for tag in page.select("[id]")} for file, page in pages.items()}
    dead = set()
    for file, page in pages.items():
        for tag in page.select("a[href], img[src], link[href], script[src]"):
            address = unquote(str(tag.get("href") or tag.get("src")))
            if re.match(r"(https?|data|mailto):", address):
                assert tag.name == "a" or address.startswith("data:")
                continue
            path, _, anchor = address.partition("#")
            target = (file.parent / path.partition("?")[0]).resolve() if path else file
            if not target.is_file() or (anchor and target in anchors and anchor not in anchors[target]):
                dead.add((file.name, address))
    assert dead == set()


def test_every_run_is_named_and_those_without_page_or_end_say_so(browser: Browser, made: Made) -> None:
    assert [remark.rpartition("/")[2] for remark in made.site.remarks] == [
        "pageless: no page, since the run left no notebook"
    ]
    with _opened(browser, made, "index") as page:
        rows = page.locator("table.runs tbody tr").all_inner_texts()
        assert len(rows) == 5
        assert sum("failed: ValueError: this was to fail" in row for row in rows) == 1
        assert sum("it left no page" in row for row in rows) == 1
        page.get_by_role("link", name="The notebook failed").first.click()
        expect(page.locator(".run-failed")).to_contain_text("ValueError: this was to fail")
    text = "".join(file.read_text("utf-8") for file in made.folder.rglob("*.html"))
    assert str(made.folder.parent) not in text  # no path of this machine
    assert str(Path.home()) not in text


def test_a_notebook_has_its_formulas_its_code_folded_and_its_results(browser: Browser, made: Made) -> None:
    with _opened(browser, made, "explored") as page:
        assert page.locator("math").count() == 2
        assert page.locator("math mfrac").count() == 1
        code = page.get_by_text("run = Run.start", exact=False).first
        expect(code).to_be_hidden()
        page.locator("details", has_text="run = Run.start").locator("summary").click()
        expect(code).to_be_visible()
        expect(page.locator("caption")).to_contain_text("A wide table")
        assert page.get_by_role("link", name="CSV").count() == 1
        assert page.get_by_role("link", name="one that is not here").count() == 0
        page.get_by_role("link", name="word").click()
        expect(page.locator("#auc")).to_be_attached()
    with _opened(browser, made, "runs/2/explored") as page:  # from its page alone
        expect(page.locator("article h1")).to_contain_text("The notebook explored")
        expect(page.locator("caption")).to_contain_text("A wide table")


def test_search_finds_a_word(browser: Browser, made: Made) -> None:
    with _opened(browser, made, "index") as page:
        page.get_by_placeholder("Search").fill("inhibitive")
        page.keyboard.press("Enter")
        page.get_by_role("link", name="Lesson 2: what neurons know").last.click()
        expect(page.locator("article h1")).to_contain_text("Lesson 2")


def test_an_explorer_follows_its_controls_without_a_kernel(browser: Browser, made: Made) -> None:
    with _opened(browser, made, "explored") as page:
        explorer = page.get_by_role("group", name="Explorer")
        picture, says, slider = explorer.locator("img"), explorer.locator(".says"), explorer.get_by_role("slider")
        expect(says).to_have_text("The slope is 1.")
        first, size = picture.get_attribute("src"), picture.bounding_box()
        slider.focus()
        page.keyboard.press("ArrowLeft")
        expect(says).to_have_text("The slope is 0.")
        expect(explorer.locator("code")).to_have_text("draw(0, True)")
        expect(picture).not_to_have_attribute("src", str(first))
        expect(explorer.get_by_role("status")).to_have_text("0")
        box = slider.bounding_box()
        assert box is not None
        slider.click(position={"x": box["width"] - 4, "y": box["height"] / 2})
        expect(says).to_have_text("Nothing is to be seen at 2.")
        expect(picture).to_be_hidden()
        explorer.get_by_role("checkbox").click()
        expect(says).to_have_text("The slope is 2.")
        expect(picture).to_be_visible()
        after = picture.bounding_box()
        assert size is not None
        assert after is not None
        assert (after["width"], after["height"]) == (size["width"], size["height"])
        expect(page.locator(".nbutils-explorer-extent")).to_have_text("Computed beforehand: all values.")


def test_the_student_in_the_page_agrees_with_pytorch(browser: Browser, made: Made) -> None:
    content = (made.folder / "student" / "student.js").read_text("utf-8")
    student = json.loads(content.removeprefix("window.nbutilsStudent = ").rstrip().rstrip(";"))
    pictures = [base64.b64decode(face["picture"].partition(",")[2]) for face in student["faces"]]
    images = np.stack([np.asarray(Image.open(io.BytesIO(picture))) for picture in pictures])
    parameters = json.loads((made.folder.parent / "runs/quickstart/provenance.json").read_text("utf-8"))["parameters"]
    spec = next(spec for spec in notebook_trainings("quickstart", parameters)[0] if spec.name == "selection")
    result = train(spec, progress=False)
    assert not result.trained_now
    features = extract_features(result.model, images, result.feature_layer)
    pairs = [(i, j) for i in range(len(images)) for j in range(i)]
    pairs = [pairs[at] for at in np.random.default_rng(0).permutation(len(pairs))[:50]]
    wanted = [np.linalg.norm(features[i] - features[j]) for i, j in pairs]

    with _opened(browser, made, "student") as page:
        expect(page.locator(".answer b")).to_contain_text("Distance", timeout=60_000)
        found = page.evaluate("pairs => Promise.all(pairs.map(([i, j]) => nbutilsDistance(i, j)))", pairs)
        np.testing.assert_allclose(found, wanted, rtol=1e-4)
        assert np.ptp(wanted) > 0
        shown = float(page.locator(".nbutils-student").get_attribute("data-distance") or "nan")
        assert shown == pytest.approx(np.linalg.norm(features[0] - features[1]), rel=1e-4)


def test_faces_are_chosen_from_the_gallery_or_are_ones_own(browser: Browser, made: Made, tmp_path: Path) -> None:
    own = tmp_path / "own.png"
    Image.fromarray(np.random.default_rng(0).integers(256, size=(80, 200, 3), dtype=np.uint8)).save(own)
    (tmp_path / "notes.txt").write_text("no picture", encoding="utf-8")
    with _opened(browser, made, "student") as page:
        answer = page.locator(".answer")
        expect(answer).to_contain_text("In truth they are", timeout=60_000)
        assert page.locator(".neurons table").count() == 2
        before = answer.inner_text()
        page.get_by_role("group", name="Second face").get_by_role("radio").nth(10).check(force=True)
        expect(answer).not_to_have_text(before)
        given = page.get_by_role("group", name="Second face").locator("input[type=file]")
        given.set_input_files(own)
        expect(answer).not_to_contain_text("In truth")
        expect(answer).to_contain_text("the student takes them for")
        given.set_input_files(tmp_path / "notes.txt")
        expect(answer).to_have_text(
            "notes.txt is no picture that this browser can read: choose a JPEG, PNG or WebP file."
        )
