"""Explorers in a page: the answers that their run has left, drawn by the module that draws them in a notebook."""

from __future__ import annotations

import base64
import json
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

from nbformat import NotebookNode
from nbformat.v4 import new_output

from nbutils.batch.site.site_sources import Sources, relative
from nbutils.viz.explorer_states import MODULE, STATES, STYLE

#: Key of the metadata of an explorer's output in a page.
EXPLORER = "nbutils-explorer"
_PAGE = Path(__file__).with_name("explorer_page.js")


def as_explorer(output: NotebookNode, document: str, sources: Sources) -> NotebookNode | None:
    """An explorer's output for a page, its pictures as files; None of an output without answers.

    Args:
        output: Of a cell of an executed notebook.
        document: Where it stands.
        sources: Where the pictures go.
    """
    found: dict[str, Any] | None = output.get("data", {}).get(STATES)
    if found is None:
        return None
    files = {}
    for key, picture in found["pictures"].items():
        files[key] = relative(sources.add_picture(base64.b64decode(picture), "webp"), document)
    states = {at: state | {"picture": files.get(state["picture"], "")} for at, state in found["states"].items()}
    first = states[",".join(map(str, found["at"]))]
    page = {"controls": found["controls"], "at": found["at"], "size": found["size"], "states": states}
    width, height = found["size"]
    # Without JavaScript, the first answer is there.
    html = (
        f'<div class="nbutils-explorer" data-explorer="{escape(json.dumps(page, ensure_ascii=False))}">'
        f'<img src="{first["picture"]}" width="{width}" height="{height}" alt="{escape(first["says"])}"></div>'
        f'<p class="nbutils-explorer-extent">{escape(_extent(found["controls"]))}</p>'
    )
    shown: NotebookNode = new_output("display_data", {"text/html": html}, metadata={EXPLORER: True})
    return shown


@cache
def explorer_script() -> str:
    """The module for pages that have explorers, as text to stand in the page: a browser loads none from a file."""
    module = MODULE.read_text(encoding="utf-8")
    return f'<script type="module">\n{module}\n{_PAGE.read_text(encoding="utf-8")}</script>'


def explorer_style() -> str:
    """The style sheet of explorers."""
    return STYLE.read_text(encoding="utf-8")


def _extent(controls: list[dict[str, Any]]) -> str:
    """What of an explorer a page has."""
    parts = [
        f"{len(control['steps'])} of {control['of']} values of {control['label']}"
        for control in controls
        if len(control["steps"]) < control["of"]
    ]
    if not parts:
        return "Computed beforehand: all values."
    return f"Computed beforehand: {', '.join(parts)}. The others need a kernel: run the notebook in JupyterLab."
