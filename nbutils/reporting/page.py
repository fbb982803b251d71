"""A run's page: its executed notebook as HTML without code input, which needs neither a network nor a kernel."""

from __future__ import annotations

import copy
import json
import re
import sysconfig
import tempfile
from html import escape
from pathlib import Path
from typing import Any

import latex2mathml.converter
from bs4 import BeautifulSoup
from jinja2 import pass_context
from jinja2.runtime import Context
from nbconvert import HTMLExporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbconvert.preprocessors import CoalesceStreamsPreprocessor
from nbformat import NotebookNode

from nbutils.paths import project_root
from nbutils.reporting.claims import is_without_meaning
from nbutils.reporting.run_folder import PAGE
from nbutils.reporting.views import RESULTS
from nbutils.writing import write_aside

_TEMPLATES = Path(__file__).parent / "templates"
_WIDGET = "application/vnd.jupyter.widget-view+json"
_MARKER = "papermill-error-cell-tag"
#: The times of a progress bar of tqdm: "[00:12<01:05," or, of unknown length, "[00:12,".
_BAR = re.compile(r"\[(\d+:)?\d\d:\d\d(<|, )")


def write_page(notebook: NotebookNode, folder: Path, *, title: str, error: str | None = None) -> None:
    """Write the page of an executed `notebook` to `folder`, with links to the tables and figures there.

    Args:
        notebook: executed, wholly or in part; left as it is.
        folder: of the run.
        title: the page's title.
        error: what made the run fail, set above everything else.
    """
    write_aside(folder / PAGE, render_page(notebook, folder, title=title, error=error))


def render_page(notebook: NotebookNode, folder: Path, *, title: str, error: str | None = None) -> str:
    """The page that `write_page` writes; arguments as there."""
    page = copy.deepcopy(notebook)
    page.metadata.pop("widgets", None)
    page.cells = [cell for cell in page.cells if _MARKER not in cell.metadata.get("tags", ())]
    for cell in page.cells:
        if cell.cell_type == "code":
            cell.outputs = [shown for output in cell.outputs if (shown := static_output(output)) is not None]
    exporter: Any = _Exporter(  # type: ignore[no-untyped-call]
        template_name="notebook",
        extra_template_basedirs=[str(_TEMPLATES)],
        extra_template_paths=[str(_TEMPLATES)],
        exclude_input=True,
        exclude_input_prompt=True,
        exclude_output_prompt=True,
        exclude_anchor_links=True,
    )
    exporter.register_preprocessor(CoalesceStreamsPreprocessor, enabled=True)
    run = {
        "error": without_places(error, folder) if error else None,
        "meaningless": is_without_meaning(_record(folder, "provenance.json").get("parameters", {}).get("preset")),
        "results": _record(folder, "artefacts.json").get("items", []),
    }
    html, _ = exporter.from_notebook_node(page, resources={"metadata": {"name": title}, "run": run})
    return without_places(accessible(html, "main table"), folder)


def mathml(latex: str, *, block: bool = False) -> str:
    """A formula as MathML, which browsers draw themselves; as it was written where it cannot be read.

    Args:
        latex: without dollar signs.
        block: whether it stands on a line of its own.

    Example:
        >>> from nbutils.reporting.page import mathml
        >>> "<msup><mi>x</mi><mn>2</mn></msup>" in mathml("x^2")
        True
    """
    try:
        found = latex2mathml.converter.convert(latex, display="block" if block else "inline")
    except Exception:  # of many kinds, for what the library does not know
        found = f"<code>{escape(latex)}</code>"
    return f'<div class="formula" tabindex="0">{found}</div>' if block else found


class _Renderer(IPythonRenderer):
    """Markdown with formulas as MathML."""

    def inline_math(self, body: str) -> str:
        return mathml(body)

    def block_math(self, body: str) -> str:
        return mathml(body, block=True)

    def latex_environment(self, name: str, body: str) -> str:
        return mathml(rf"\begin{{{name}}}{body}\end{{{name}}}", block=True)


class _Exporter(HTMLExporter):
    """nbconvert's pages with formulas as MathML."""

    @pass_context
    def markdown2html(self, context: Context, source: str) -> str:
        attachments = context.get("cell", {}).get("attachments", {})
        renderer = _Renderer(escape=False, attachments=attachments, exclude_anchor_links=True)
        return str(MarkdownWithMath(renderer=renderer).render(source))

    def default_filters(self) -> Any:  # noqa: ANN401
        yield from super().default_filters()  # type: ignore[no-untyped-call]
        yield "latex2html", lambda text: mathml(text.strip().strip("$"), block=True)


def static_output(output: NotebookNode) -> NotebookNode | None:
    """`output` as a page without a kernel shows it; None for a progress bar and for the list of files."""
    if output.output_type == "stream":
        lines = output.text.splitlines(keepends=True)
        output.text = "".join(line for line in lines if not _BAR.search(line))
        return output if output.text.strip() else None
    data = output.get("data", {})
    if output.get("metadata", {}).get(RESULTS):
        return None
    if _WIDGET in data:
        if _BAR.search(data.get("text/plain", "")):
            return None
        output.data = {"text/html": '<p class="explorer">An interactive explorer stands here in JupyterLab.</p>'}
    return output


def accessible(html: str, tables: str = "table") -> str:
    """`html` with headings of tables that say what they head, and tables that scroll in themselves.

    Args:
        html: a page, or part of one.
        tables: selector of those that are meant.
    """
    soup = BeautifulSoup(html, "html.parser")
    for table in soup.select(tables):
        for head in table.select("th:not([scope])"):
            head["scope"] = "col" if head.find_parent("thead") else "row"
        if table.parent is not None and not str(table.parent.get("style", "")).startswith("overflow"):
            table.wrap(soup.new_tag("div", attrs={"class": "scroll", "tabindex": "0"}))
    return str(soup)


def without_places(text: str, folder: Path) -> str:
    """`text` without the paths of this machine: below the run, the project, installed packages, or the user's home."""
    root = project_root()
    places = {
        str(folder.resolve()): ".",
        sysconfig.get_path("purelib"): "site-packages",
        sysconfig.get_path("stdlib"): "python",
        **({str(root): "."} if root else {}),
        str(Path.home()): "~",
        tempfile.gettempdir(): "tmp",
    }
    for place, name in sorted(places.items(), key=lambda item: -len(item[0])):
        if len(place) > 1:
            text = re.sub(rf"{re.escape(place)}(?=[\\/\s'\"<:,)]|$)", name, text)
    return text


def _record(folder: Path, name: str) -> dict[str, Any]:
    """A record of the run; empty where a failure came before it."""
    try:
        found: dict[str, Any] = json.loads((folder / name).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return found
