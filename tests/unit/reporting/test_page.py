import json
import re
import sysconfig
from pathlib import Path
from typing import Any

import nbformat
import pytest
from bs4 import BeautifulSoup
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from nbutils.batch.notebooks import find_notebooks
from nbutils.paths import notebooks_dir
from nbutils.reporting.page import mathml, render_page
from nbutils.reporting.views import RESULTS

WIDGET = "application/vnd.jupyter.widget-view+json"


def _page(tmp_path: Path, *cells: NotebookNode, error: str | None = None) -> BeautifulSoup:
    html = render_page(new_notebook(cells=list(cells)), tmp_path, title="A <trial>", error=error)
    return BeautifulSoup(html, "html.parser")


def _shown(data: dict[str, Any], **metadata: Any) -> Any:  # noqa: ANN401
    return new_code_cell("code", outputs=[new_output("display_data", data, metadata=metadata)])


def _printed(text: str, name: str = "stdout") -> Any:  # noqa: ANN401
    return new_code_cell("code", outputs=[new_output("stream", name=name, text=text)])


def _text(page: BeautifulSoup) -> str:
    return page.select_one("main").get_text()  # type: ignore[union-attr]


def test_it_asks_nothing_of_a_network(tmp_path: Path) -> None:
    page = _page(
        tmp_path,
        new_markdown_cell("# Title\n\n$x$"),
        _shown({"application/javascript": "require(['x'])", "text/plain": "<Javascript>"}),
        _printed("a word"),
    )

    assert [
        tag for tag in page.find_all(["script", "link", "img", "iframe"]) if tag.get("src") or tag.get("href")
    ] == []
    assert not re.search(r"https?://(?!www\.w3\.org/)", str(page))
    assert "require(" not in str(page)
    assert page.title is not None
    assert page.title.get_text() == "A <trial>"


def test_formulas_are_mathml_and_dollars_in_code_stay(tmp_path: Path) -> None:
    text = "So $y_i<1$ and\n\n$$\\sum_i \\frac{a}{b}$$\n\n\\begin{align}a&=b\\end{align}\n\n`$x$`"
    page = _page(tmp_path, new_markdown_cell(text), _shown({"text/latex": "$$z^2$$"}))

    formulas = page.find_all("math")
    assert [formula["display"] for formula in formulas] == ["inline", "block", "block", "block"]
    assert formulas[0].find("msub").get_text() == "yi"  # type: ignore[union-attr]
    assert formulas[1].find("mfrac") is not None
    assert formulas[3].find("msup").get_text() == "z2"  # type: ignore[union-attr]
    assert [code.get_text() for code in page.find_all("code")] == ["$x$"]


def test_a_formula_that_cannot_be_read_stays_as_it_was_written() -> None:
    assert mathml(r"\left( <b>") == r"<code>\left( &lt;b&gt;</code>"


@pytest.mark.slow
def test_every_formula_of_the_notebooks_can_be_read(tmp_path: Path) -> None:
    notebooks = [nbformat.read(file, as_version=4) for file in find_notebooks(notebooks_dir()).values()]
    texts = [cell.source for notebook in notebooks for cell in notebook.cells if cell.cell_type == "markdown"]

    page = _page(tmp_path, *map(new_markdown_cell, texts))

    assert len(page.find_all("math")) == sum(text.replace("$$", "$").count("$") for text in texts) / 2 > 20
    assert "$" not in _text(page)
    assert "\\" not in "".join(formula.get_text() for formula in page.find_all("math"))


@pytest.mark.parametrize(
    "bar",
    ["T1:   0%|          | 0/30 [00:00<?, ?epoch/s]", "looking: 12it [00:01,  9.1it/s]", " 9%|# | 1/9 [1:00:01<9:00]"],
)
def test_a_progress_bar_leaves_no_trace(tmp_path: Path, bar: str) -> None:
    page = _page(tmp_path, _shown({WIDGET: {}, "text/plain": bar}), _printed(f"before\n{bar}\n", "stderr"))

    assert _text(page).split() == ["before"]


def test_an_explorer_says_where_it_answers(tmp_path: Path) -> None:
    page = _page(tmp_path, _shown({WIDGET: {}, "text/plain": "VBox(children=(HBox(…"}))

    assert _text(page).strip() == "An interactive explorer stands here in JupyterLab."


def test_no_place_of_this_machine_is_named(tmp_path: Path) -> None:
    packages = sysconfig.get_path("purelib")
    texts = f"{tmp_path}/tables\n{packages}/torch/nn.py:3: UserWarning\n{Path.home()}/x\n{notebooks_dir()}/y\n"

    page = _page(tmp_path, _printed(texts, "stderr"), error=f"File {packages}/a.py")

    assert _text(page).split() == [
        *("This", "run", "failedFile", "site-packages/a.py"),
        *("./tables", "site-packages/torch/nn.py:3:", "UserWarning", "~/x", "./notebooks/y"),
    ]


def test_tables_have_scopes_and_scroll_in_themselves_and_pictures_a_text(tmp_path: Path) -> None:
    frame = "<table><thead><tr><th></th><th>a</th></tr></thead><tbody><tr><th>0</th><td>1</td></tr></tbody></table>"
    page = _page(
        tmp_path,
        _shown({"text/html": frame, "text/plain": "a"}),
        new_markdown_cell("| b |\n| - |\n| 1 |"),
        _shown({"image/png": "iVBORw0KGgo="}),
    )

    assert [head["scope"] for head in page.find_all("th")] == ["col", "col", "row", "col"]
    assert [table.parent["class"] for table in page.find_all("table")] == [["scroll"], ["scroll"]]  # type: ignore[index]
    assert all(picture["alt"] for picture in page.find_all("img"))


def test_a_smoke_run_is_marked_and_its_files_are_linked(tmp_path: Path) -> None:
    files = {"csv": "tables/a b.csv"}
    records = {
        "provenance": {"parameters": {"preset": "smoke"}},
        "artefacts": {"items": [{"kind": "table", "caption": "<C>", "files": files}]},
    }
    for name, record in records.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(record), encoding="utf-8")
    listed = _shown({"text/html": "<p>The results are in …</p>"}, **{RESULTS: True})

    page = _page(tmp_path, listed)

    assert "Without meaning." in _text(page)
    assert [link["href"] for link in page.find_all("a")] == ["tables/a%20b.csv"]
    assert "<C>" in _text(page)
    assert "The results are in" not in _text(page)
    (tmp_path / "provenance.json").write_text('{"parameters": {"preset": "laptop"}}', encoding="utf-8")
    assert "Without meaning" not in _text(_page(tmp_path))
