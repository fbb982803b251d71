"""Makes a site of runs: writes what Sphinx needs, has it make the pages, and puts them in their place whole."""

from __future__ import annotations

import io
import json
import secrets
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import nbutils
from nbutils.batch.lessons import find_lessons
from nbutils.batch.notebooks import find_notebooks
from nbutils.batch.site.explorer_pages import explorer_style
from nbutils.batch.site.notebook_documents import GLOSSARY, NotebookDocuments, copied_files
from nbutils.batch.site.reference_documents import add_api, add_report
from nbutils.batch.site.site_runs import SiteRun, find_site_runs
from nbutils.batch.site.site_sources import Sources, raw
from nbutils.batch.site.student_page import STUDENT, add_student
from nbutils.errors import NbutilsError, ParameterError
from nbutils.paths import notebooks_dir
from nbutils.reporting.claims import WITHOUT_MEANING, is_without_meaning
from nbutils.writing import sync_tree, write_aside

#: By which a folder is known as a site, that the next one may replace.
MARKER = "nbutils-site.json"
_HERE = Path(__file__).parent
_ASSETS = _HERE.parents[1] / "reporting" / "templates"


@dataclass(frozen=True)
class Site:
    """A site that was made.

    Attributes:
        index: Its first page.
        size: Of all its files, in bytes.
        remarks: What it lacks, a sentence each.
    """

    index: Path
    size: int
    remarks: tuple[str, ...]


def build_site(folders: Sequence[Path], out: Path, *, student: str = "selection") -> Site:
    """Makes a site to read offline: executed notebooks, reports, lessons, API, a student that runs in the page.

    A run that failed or has no page is named, and the others go on.

    Args:
        folders: Folders of runs, as of `build_report`.
        out: The site's folder; one that is there is replaced if it is a site, too.
        student: Name of the training whose network the page has; taken from the first run that has one in the store.

    Raises:
        NbutilsError: There is no run, Sphinx is not installed, or the site cannot be written.
        ParameterError: `out` holds something else.
    """
    _require_sphinx()
    runs = find_site_runs(folders)
    with _replacing(out) as aside, tempfile.TemporaryDirectory(prefix="nbutils-site-") as scratch:
        sources = Sources(Path(scratch))
        remarks = [f"{run.folder}: no page, since the run left no notebook" for run in runs if not run.has_page]
        shown = [run for run in runs if run.has_page]
        lessons = find_lessons(notebooks_dir())
        of_lessons = {lesson.name: lesson for lesson in lessons}
        documents = {run.notebook: run.document for run in reversed(shown)} | {name: name for name in of_lessons}
        writer = NotebookDocuments(sources, documents)
        plain = [run for run in shown if run.document not in of_lessons]
        for run in runs:
            for name, content in copied_files(run).items():
                sources.add_file(name, content)
        for run in plain:
            writer.add_run(run)
        by_lesson = {run.document: run for run in shown}
        for lesson in lessons:
            writer.add_lesson(lesson, by_lesson.get(lesson.name))
        glossary = notebooks_dir() / f"{GLOSSARY}.md"
        if glossary.is_file():
            writer.add_glossary(glossary)
        reports = [add_report(sources, root, runs, f"report{n or ''}", remarks) for n, root in enumerate(folders)]
        api = add_api(sources)
        lack = add_student(sources, shown, student)
        remarks += [lack] if lack else []
        ordered = _ordered(plain)
        trees = {
            "Results": [*reports, STUDENT],
            "Notebooks": [run.document for run in ordered],
            "Lessons": list(of_lessons),
            "Reference": [*([GLOSSARY] if glossary.is_file() else []), *api],
        }
        sources.add_document("index", _front(ordered, runs, trees))
        _add_static(sources)
        _run_sphinx(sources, aside)
        write_aside(aside / MARKER, json.dumps({"format": "nbutils site 1", "version": nbutils.__version__}) + "\n")
        size = sum(file.stat().st_size for file in aside.rglob("*") if file.is_file())
    return Site(out / "index.html", size, tuple(remarks))


def _ordered(runs: list[SiteRun]) -> list[SiteRun]:
    """In the order of the source notebooks, what is none of them last."""
    order = {name: at for at, name in enumerate(find_notebooks(notebooks_dir()))}
    return sorted(runs, key=lambda run: (order.get(run.notebook, len(order)), run.document))


def _front(ordered: list[SiteRun], runs: list[SiteRun], trees: dict[str, list[str]]) -> str:
    """The first page: what there is, and how the runs ended."""
    rows = "".join(_row(run) for run in [*ordered, *(run for run in runs if run not in ordered)])
    failed = sum(bool(run.error) for run in runs)
    links = {
        "what the runs show": "report",
        "the student compare two faces": STUDENT,
        "a lesson": trees["Lessons"][0],
    }
    report, student, lesson = (f'<a href="{page}.html">{text}</a>' for text, page in links.items())
    html = (
        "<p>These are executed notebooks, to be read without a kernel, a server or a network. Start with "
        f"{report}, let {student}, or take {lesson}. Explorers answer here, too.</p>"
        f"<p>{len(runs)} run{'s' * (len(runs) != 1)}, {failed or 'none'} of them failed.</p>"
        '<div class="scroll" tabindex="0"><table class="runs"><thead><tr><th scope="col">notebook</th>'
        f'<th scope="col">run</th><th scope="col">preset</th></tr></thead><tbody>{rows}</tbody></table></div>'
    )
    toctrees = "\n".join(
        f"```{{toctree}}\n:hidden:\n:caption: {caption}\n\n{chr(10).join(f'/{name}' for name in names)}\n```\n"
        for caption, names in trees.items()
        if names
    )
    return f"# Face compression notebooks\n\n{raw(html)}\n{toctrees}"


def _row(run: SiteRun) -> str:
    name, title = escape(run.document), escape(run.title)
    link = f'<a href="{name}.html">{title}</a>' if run.has_page else title
    ended = f'<b class="bad">failed</b>: {escape(run.error)}' if run.error else "complete"
    if not run.has_page:
        ended += "; it left no page"
    meaningless = f" ({WITHOUT_MEANING})" if is_without_meaning(run.preset) else ""
    return (
        f'<tr><th scope="row">{link}<br><small>{name}</small></th><td>{ended}</td>'
        f"<td>{escape(run.preset or '–')}{meaningless}</td></tr>"
    )


def _add_static(sources: Sources) -> None:
    style = "\n".join(
        (
            (_HERE / "site.css").read_text(encoding="utf-8"),
            explorer_style(),
            f".nbutils-results {{ {(_ASSETS / 'results.css').read_text(encoding='utf-8')} }}",
        )
    )
    (sources.static / "site.css").write_text(style, encoding="utf-8")
    shutil.copyfile(_ASSETS / "sortable.js", sources.static / "sortable.js")


def _require_sphinx() -> None:
    try:
        import furo  # noqa: F401
        import myst_nb  # noqa: F401
        import sphinx  # noqa: F401
    except ImportError as error:
        raise NbutilsError(f"a site needs {error.name}: pip install 'nbutils[site]'") from None


def _run_sphinx(sources: Sources, out: Path) -> None:
    """Has Sphinx make the pages.

    Raises:
        NbutilsError: It could not.
    """
    from sphinx.application import Sphinx
    from sphinx.util.docutils import docutils_namespace, patch_docutils

    from nbutils.batch.site.site_theme import CONFIGURATION

    places: dict[str, Any] = {"html_static_path": [str(sources.static)], "html_extra_path": [str(sources.files)]}
    complaints = io.StringIO()
    scratch = sources.documents.parent / "doctrees"
    try:
        with patch_docutils(), docutils_namespace():
            app = Sphinx(
                sources.documents,
                None,
                out,
                scratch,
                "html",
                confoverrides=CONFIGURATION | places,
                status=None,
                warning=complaints,
                freshenv=True,
            )
            app.build()
    except Exception as error:  # Sphinx's and its extensions' have no common base
        raise NbutilsError(f"Sphinx cannot make the site: {error}\n{complaints.getvalue()}".rstrip()) from error
    for left in (".buildinfo", "objects.inv"):
        (out / left).unlink(missing_ok=True)


@contextmanager
def _replacing(out: Path) -> Iterator[Path]:
    """A folder beside `out`, which takes its place once it is whole.

    Raises:
        ParameterError: There is something else than a site, or it cannot be written there.
    """
    place = out.resolve()
    if place.exists() and not (place / MARKER).is_file() and (not place.is_dir() or any(place.iterdir())):
        raise ParameterError(f"{out} exists and is no site: choose another folder with --out, or move it away")
    aside, former = (place.with_name(f".{place.name}.{secrets.token_hex(4)}.{kind}") for kind in ("new", "old"))
    try:
        aside.mkdir(parents=True)
        yield aside
        sync_tree(aside)
        if place.exists():
            place.rename(former)
        aside.rename(place)
    except OSError as error:
        raise ParameterError(f"{out}: cannot be written: {error.strerror or error}") from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)
        if former.exists() and not place.exists():
            former.rename(place)
        shutil.rmtree(former, ignore_errors=True)
