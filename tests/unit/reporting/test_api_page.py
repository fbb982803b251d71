"""The page of the public API: whole, self-contained, and without a link to nowhere."""

import re
from html.parser import HTMLParser
from importlib import import_module
from pathlib import Path

import pytest

from nbutils.reporting.api_page import public_packages, write_api_page
from nbutils.reporting.docstrings import docstring_html


class _Reader(HTMLParser):
    """The anchors of a page, and where its links lead."""

    def __init__(self) -> None:
        super().__init__()
        self.anchors: list[str] = []
        self.links: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if "id" in found:
            self.anchors.append(str(found["id"]))
        self.links |= {str(found[name]) for name in ("href", "src") if name in found}


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    file = tmp_path_factory.mktemp("api") / "pages" / "api.html"
    write_api_page(file)
    return file.read_text(encoding="utf-8")


def test_every_public_name_has_an_entry_and_no_link_leads_nowhere(page: str) -> None:
    reader = _Reader()
    reader.feed(page)
    names = {f"{package}.{name}" for package in public_packages() for name in import_module(package).__all__}
    assert names <= set(reader.anchors)
    assert len(set(reader.anchors)) == len(reader.anchors)
    assert reader.links <= {f"#{anchor}" for anchor in reader.anchors}


def test_the_page_covers_every_package_with_a_face() -> None:
    root = Path(str(import_module("nbutils").__file__)).parent
    stubs = {".".join(["nbutils", *file.parent.relative_to(root).parts]) for file in root.rglob("__init__.pyi")}
    assert set(public_packages()) == stubs


def test_signatures_are_as_the_source_writes_them(page: str) -> None:
    assert "attributes: npt.ArrayLike, known: npt.ArrayLike | None = None) -&gt; FloatArray" in page
    assert "prepare: Prepare = to_unit_range" in page
    assert not re.search(r"0x[0-9a-f]{6}|&lt;factory", page)
    assert "λ of Eq. 2" in page


def test_a_docstring_becomes_paragraphs_lists_and_code_without_prompts_to_copy() -> None:
    text = (
        "Adds `x` to `y` < z.\n\nArgs:\n    x: A number,\n        as long as you like.\n    y: Another.\n\n"
        "Example:\n    >>> add(1, 2)\n    3\n"
    )
    html = docstring_html(text, {"y": "#y"}.get)
    assert '<p>Adds <code>x</code> to <a href="#y"><code>y</code></a> &lt; z.</p>' in html
    assert "<dt><code>x</code></dt><dd>A number, as long as you like.</dd>" in html
    assert "<pre><i>&gt;&gt;&gt; </i>add(1, 2)\n<b>3</b></pre>" in html
