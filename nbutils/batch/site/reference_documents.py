"""Documents of the reports and of the public API."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote, unquote

import jinja2
from bs4 import BeautifulSoup

import nbutils
from nbutils.batch.site.site_runs import SiteRun
from nbutils.batch.site.site_sources import Sources, raw, relative
from nbutils.errors import NbutilsError
from nbutils.reporting.api_page import api_sections
from nbutils.reporting.report import render_report
from nbutils.reporting.run_folder import PAGE

_API = "api"


def add_report(sources: Sources, root: Path, runs: list[SiteRun], name: str, remarks: list[str]) -> str:
    """Writes the report of a folder of runs, with its links to the site's own pages and files.

    Args:
        sources: Where to.
        root: The folder.
        runs: All of the site.
        name: The document's.
        remarks: Takes a sentence where the report cannot be made.

    Returns:
        The name.
    """
    title = "What the runs show" if name == "report" else f"What the runs of {root.name} show"
    try:
        page = BeautifulSoup(render_report(root), "html.parser")
    except NbutilsError as error:
        remarks.append(f"no report: {error}")
        sources.add_document(name, f"# {title}\n\n{raw('<p>The records of a run cannot be read.</p>')}")
        return name
    places = {run.folder.relative_to(root).as_posix(): run for run in runs if run.root == root}
    parts = page.select("header .quiet, main")
    for tag in page.select("a[href], img[src]"):
        kind = "href" if tag.name == "a" else "src"
        address = str(tag[kind])
        if address.startswith("#"):
            continue
        if tag.name == "a" and tag.img:
            address = str(tag.img["src"])  # the picture itself, in the form that the site has
        target = _in_site(unquote(address), places)
        if target is None or not (target.endswith(".html") or (sources.files / target).is_file()):
            (tag.find_parent("li") or tag).extract()
        else:
            tag[kind] = quote(relative(target, name))
    html = "".join(str(part) if part.name != "main" else part.decode_contents() for part in parts)
    html = f'<div class="nbutils-results nbutils-report">{html}</div>'
    sources.add_document(name, f"---\nhide-toc: true\n---\n\n# {title}\n\n{raw(html)}")
    return name


def _in_site(address: str, places: dict[str, SiteRun]) -> str | None:
    """Where a file of a run is in the site; None where it is not."""
    for place, run in places.items():
        base = "" if place == "." else f"{place}/"
        if address.startswith(base):
            file = address.removeprefix(base)
            if file == PAGE:
                return f"{run.document}.html" if run.has_page else None
            return f"files/{run.document}/{file}"
    return None


def add_api(sources: Sources) -> list[str]:
    """Writes a document for each package of the public API; returns their names."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("nbutils.reporting"), autoescape=True, undefined=jinja2.StrictUndefined
    )
    whole = environment.get_template("api_entry.html").module.whole  # type: ignore[attr-defined]
    names = []
    for section in api_sections(lambda package: f"{package}.html"):
        lines = [f"# {section.name}", raw(f'<div id="{section.name}.">{section.html}</div>')]
        for entry in section.entries:
            html = f'<div class="nbutils-api">{whole(entry)}</div>'
            lines += [f"## {entry.name}", raw(html)]
        names.append(f"{_API}/{section.name}")
        sources.add_document(names[-1], "\n\n".join(lines))
    front = (
        f"# The public API\n\nnbutils {nbutils.__version__}: each package offers these names; the tests run each "
        "example, with the names of its module.\n"
    )
    tree = "\n".join(f"/{name}" for name in names)
    sources.add_document(f"{_API}/index", f"{front}\n```{{toctree}}\n:maxdepth: 1\n\n{tree}\n```\n")
    return [f"{_API}/index"]
