"""Documents of executed notebooks: their outputs as a page without a kernel shows them, their code folded."""

from __future__ import annotations

import copy
import json
import posixpath
import re
from collections.abc import Mapping
from html import escape
from pathlib import Path
from urllib.parse import quote, unquote

import nbformat
from bs4 import BeautifulSoup
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell

from nbutils.batch.lessons import FOLDER as LESSONS
from nbutils.batch.lessons import Lesson, for_students
from nbutils.batch.site.explorer_pages import EXPLORER, as_explorer, explorer_script
from nbutils.batch.site.site_runs import SiteRun
from nbutils.batch.site.site_sources import Sources, raw, relative
from nbutils.batch.worker import ERROR, EXECUTED
from nbutils.reporting.claims import is_without_meaning
from nbutils.reporting.page import accessible, static_output, without_places
from nbutils.reporting.run_folder import PAGE

GLOSSARY = "glossary"
_MARKER = "papermill-error-cell-tag"
_SOURCES = (".ipynb", ".md")
#: Tag of the cell with the values that a run was given, and a path there that says where things lie on a machine.
_INJECTED = "injected-parameters"
_ABSOLUTE = re.compile(r'"(?:/|[A-Za-z]:)[^"\n]*?([^/\\"\n]+)"')
_LINK = re.compile(r"\[([^\]\n]+)\]\(([^)\s#:]+\.(?:ipynb|md))(#[^)\s]*)?\)")
#: Tag of a cell whose code is folded; of a lesson, code is what one reads.
_FOLDED = "hide-input"
#: Kinds of files that a site has no room for.
_LEFT_OUT = ("svg",)


class NotebookDocuments:
    """Writes the documents of a site's notebooks.

    Args:
        sources: Where to.
        documents: The document of each notebook that the site has one of, for links between them.
    """

    def __init__(self, sources: Sources, documents: Mapping[str, str]) -> None:
        self.sources = sources
        self.documents = documents

    def add_run(self, run: SiteRun) -> None:
        """Writes the document of a run that has a page."""
        executed = run.folder / EXECUTED
        if not executed.is_file():
            html = self.sources.with_picture_files(self._main(run), run.document)
            self.sources.add_document(run.document, f"# {run.title}\n\n{raw(html)}")
            return
        notebook = nbformat.read(executed, as_version=4)
        self._prepare(notebook, run.notebook, run.document, run.folder)
        for cell in notebook.cells:
            if cell.cell_type == "code":
                cell.metadata["tags"] = [*cell.metadata.get("tags", ()), _FOLDED]
        self._write(notebook, run.document, run.title, _banner(run), _results(run))

    def add_lesson(self, lesson: Lesson, run: SiteRun | None) -> None:
        """Writes the document of a lesson as students get it, with what a run of it showed, and the notebook itself."""
        content = json.dumps(for_students(lesson.file), ensure_ascii=False, indent=1)
        notebook = nbformat.reads(content, as_version=4)
        handed_out = f"{LESSONS}/{lesson.file.name}"
        self.sources.add_file(handed_out, content.replace(f"../{GLOSSARY}.md", f"../{GLOSSARY}.html").encode("utf-8"))
        if run is not None and (run.folder / EXECUTED).is_file():
            executed = nbformat.read(run.folder / EXECUTED, as_version=4)
            shown = {cell.get("id"): cell.outputs for cell in executed.cells if cell.cell_type == "code"}
            for cell in notebook.cells:
                if cell.cell_type == "code":
                    cell.outputs = shown.get(cell.get("id"), [])
        self._prepare(notebook, lesson.name, lesson.name, run.folder if run else lesson.file.parent)
        above = (
            f'<p class="hand-out"><a href="{relative(handed_out, lesson.name)}" download>The notebook of this '
            f"lesson</a> is to be worked on in JupyterLab, which checks your answers: {lesson.minutes} minutes, "
            f"{len(lesson.exercises)} exercises.</p>"
        )
        self._write(notebook, lesson.name, lesson.title, above + (_banner(run) if run else ""), "")

    def add_glossary(self, file: Path) -> None:
        """Writes the glossary, which keeps the anchors of its words."""
        self.sources.add_document(GLOSSARY, self._linked(file.read_text(encoding="utf-8"), GLOSSARY, GLOSSARY))

    def _main(self, run: SiteRun) -> str:
        """What a run's page shows, with its links to the site's documents and files."""
        page = BeautifulSoup((run.folder / PAGE).read_text(encoding="utf-8"), "html.parser")
        main = page.select_one("main")
        if main is None:
            return ""
        heading = main.select_one("h1")
        if heading is not None:  # the document has its own
            heading.extract()
        for link in main.select("a[href]"):
            path, mark, anchor = str(link["href"]).partition("#")
            if not path or ":" in path:
                continue
            file = f"files/{run.document}/{unquote(path)}"
            target = self._target(run.notebook, path) or (file if (self.sources.files / file).is_file() else None)
            if target is None:
                link.unwrap()
            else:
                link["href"] = quote(relative(target, run.document)) + mark + anchor
        return main.decode_contents()

    def _target(self, name: str, path: str) -> str | None:
        """The page that a notebook's link to another one, or to the glossary, leads to in the site."""
        stem, suffix = posixpath.splitext(path)
        there = posixpath.normpath(posixpath.join(posixpath.dirname(name), stem))
        document = (GLOSSARY if there == GLOSSARY else self.documents.get(there)) if suffix in _SOURCES else None
        return document and f"{document}.html"

    def _prepare(self, notebook: NotebookNode, name: str, document: str, folder: Path) -> None:
        notebook.metadata.pop("widgets", None)
        notebook.cells = [cell for cell in notebook.cells if _MARKER not in cell.metadata.get("tags", ())]
        for cell in notebook.cells:
            if cell.cell_type == "markdown":
                cell.source = self._linked(cell.source, name, document)
            elif cell.cell_type == "code":
                if _INJECTED in cell.metadata.get("tags", ()):
                    cell.source = _ABSOLUTE.sub(r'"…/\1"', cell.source)
                cell.outputs = [shown for output in cell.outputs if (shown := self._shown(output, document, folder))]

    def _shown(self, output: NotebookNode, document: str, folder: Path) -> NotebookNode | None:
        explorer = as_explorer(output, document, self.sources)
        shown = static_output(copy.deepcopy(output)) if explorer is None else explorer
        if shown is None:
            return None
        found: NotebookNode = nbformat.from_dict(json.loads(without_places(json.dumps(shown), folder)))
        if "text/html" in found.get("data", {}):
            html = self.sources.with_picture_files("".join(found.data["text/html"]), document)
            found.data["text/html"] = html if explorer is not None else accessible(html)
        return found

    def _linked(self, text: str, name: str, document: str) -> str:
        """Markdown whose links lead to the site's documents; without those that lead to a notebook that it lacks."""

        def link(found: re.Match[str]) -> str:
            target = self._target(name, found[2])
            return f'<a href="{relative(target, document)}{found[3] or ""}">{found[1]}</a>' if target else found[1]

        return _LINK.sub(link, text)

    def _write(self, notebook: NotebookNode, document: str, title: str, above: str, below: str) -> None:
        first = notebook.cells[0] if notebook.cells else None
        if first is None or first.cell_type != "markdown" or not first.source.lstrip().startswith("# "):
            notebook.cells.insert(0, new_markdown_cell(f"# {title}"))
        heading, _, rest = notebook.cells[0].source.lstrip().partition("\n")
        notebook.cells[0].source = f"{heading}\n\n{raw(above)}\n{rest}" if above else f"{heading}\n{rest}"
        script = explorer_script() if any(map(_has_explorer, notebook.cells)) else ""
        if below or script:
            notebook.cells.append(new_markdown_cell(raw(below + script)))
        self.sources.add_document(document, json.dumps(notebook), ".ipynb")


def _has_explorer(cell: NotebookNode) -> bool:
    return any(output.metadata.get(EXPLORER) for output in cell.get("outputs", ()) if "metadata" in output)


def _banner(run: SiteRun) -> str:
    """What a reader must know before all else: that the run failed, or that its numbers mean nothing."""
    html = ""
    if run.error:
        error = escape(without_places(run.error, run.folder))
        html += f'<div class="run-failed" role="note"><b>This run failed</b><pre class="error">{error}</pre></div>'
    if is_without_meaning(run.preset):
        html += (
            '<p class="meaningless-run"><b>Without meaning.</b> This run is at preset <i>smoke</i>, which only shows '
            "that everything works: no number or verdict on this page says anything about the methods.</p>"
        )
    return html


def _results(run: SiteRun) -> str:
    """The list of a run's tables and figures as files."""
    if not run.items:
        return ""
    files = f"files/{run.document}"
    entries = [
        f"<li>{escape(str(item['caption']))} "
        + " ".join(
            f'<a href="{relative(f"{files}/{file}", run.document)}">{escape(kind.upper())}</a>'
            for kind, file in item["files"].items()
            if kind not in _LEFT_OUT
        )
        + "</li>"
        for item in run.items
    ]
    return f'<section class="results"><h2>Results as files</h2><ul>{"".join(entries)}</ul></section>'


def copied_files(run: SiteRun) -> dict[str, bytes]:
    """A run's files that the site has, by their names in it: tables, figures and numbers.

    What lies where on this machine is not among them, nor is anything twice: no figure in a second form, and no
    notebook with the pictures that are files here.
    """
    wanted = [file for item in run.items for kind, file in item["files"].items() if kind not in _LEFT_OUT]
    found = {name: run.folder / name for name in [*wanted, "metrics.json", "claims.json"]}
    copied = {name: file.read_bytes() for name, file in found.items() if file.is_file()}
    if (run.folder / ERROR).is_file():
        text = (run.folder / ERROR).read_text(encoding="utf-8")
        copied[ERROR] = without_places(text, run.folder).encode("utf-8")
    return {f"files/{run.document}/{name}": content for name, content in copied.items()}
