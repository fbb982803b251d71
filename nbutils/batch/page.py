"""An executed notebook as an HTML page without code input."""

from __future__ import annotations

import copy
from html import escape
from pathlib import Path

import nbformat
from nbconvert import HTMLExporter
from nbconvert.preprocessors import CoalesceStreamsPreprocessor
from nbformat import NotebookNode

from nbutils.writing import write_aside

_WIDGET = "application/vnd.jupyter.widget-view+json"
_MARKER = "papermill-error-cell-tag"


def write_page(notebook: NotebookNode, path: Path, *, title: str, error: str | None = None) -> None:
    """Write the page of an executed `notebook`.

    Args:
        notebook: executed, wholly or in part; left as it is.
        path: the HTML file.
        title: the page's title.
        error: what made the run fail, set above everything else.
    """
    page = copy.deepcopy(notebook)
    page.metadata.pop("widgets", None)
    page.cells = [cell for cell in page.cells if _MARKER not in cell.metadata.get("tags", ())]
    for cell in page.cells:
        if cell.cell_type == "code":
            cell.outputs = [_static(output) for output in cell.outputs if not _is_bar(output)]
    if error is not None:
        banner = (
            '<div style="border-left:6px solid #c62828;padding:0.6em 1em;margin:1em 0">'
            f'<b style="color:#c62828">This run failed</b><pre>{escape(error)}</pre></div>'
        )
        page.cells.insert(0, nbformat.v4.new_markdown_cell(banner))
    exporter = HTMLExporter(
        exclude_input=True, exclude_input_prompt=True, exclude_output_prompt=True, exclude_anchor_links=True
    )
    exporter.register_preprocessor(CoalesceStreamsPreprocessor, enabled=True)
    html, _ = exporter.from_notebook_node(page, resources={"metadata": {"name": title}})
    write_aside(path, html)


def _is_bar(output: NotebookNode) -> bool:
    """Whether `output` is a progress bar's widget, which means nothing once the run is over."""
    text = output.get("data", {}).get("text/plain", "")
    return _WIDGET in output.get("data", {}) and ("it/s]" in text or "s/it]" in text or "?it" in text)


def _static(output: NotebookNode) -> NotebookNode:
    """`output`, or a line in the place of a widget: a page has no kernel to answer it."""
    if _WIDGET in output.get("data", {}):
        output.data = {"text/html": "<i>An interactive explorer stands here in JupyterLab.</i>"}
    return output
