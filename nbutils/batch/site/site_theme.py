"""Sphinx's part of a site: its configuration, and formulas that need no library of JavaScript."""

from __future__ import annotations

from typing import Any

from docutils import nodes

from nbutils.reporting.page import mathml

#: How Sphinx makes the site; nothing of it comes from a network, and nothing needs a server.
CONFIGURATION: dict[str, Any] = {
    "project": "Face compression notebooks",
    "copyright": "",
    "language": "en",
    "extensions": ["myst_nb", __name__],
    "suppress_warnings": ["myst.header", "myst.xref_missing", "toc.not_included"],
    "myst_enable_extensions": ["dollarmath", "amsmath"],
    "myst_heading_anchors": 3,
    "myst_update_mathjax": False,
    "nb_execution_mode": "off",
    "nb_merge_streams": True,
    "nb_ipywidgets_js": {},
    "nb_code_prompt_show": "Show the code",
    "nb_code_prompt_hide": "Hide the code",
    "html_theme": "furo",
    "html_title": "Face compression notebooks",
    "html_math_renderer": "mathml",
    "html_copy_source": False,
    "html_show_sourcelink": False,
    "html_show_sphinx": False,
    "html_show_copyright": False,
    # What it would show beside a page's title it would have to fetch, which a browser refuses for files.
    "html_show_search_summary": False,
    "html_use_index": False,
    "html_css_files": ["site.css"],
    "html_js_files": [("sortable.js", {"defer": "defer"})],
    "html_extra_path": ["../files"],
    "html_static_path": ["../static"],
    "pygments_style": "a11y-light",
    "pygments_dark_style": "a11y-dark",
}


def setup(app: Any) -> dict[str, bool]:  # noqa: ANN401
    """Makes formulas MathML, which browsers draw themselves; called by Sphinx."""
    app.add_html_math_renderer("mathml", inline_renderers=(_inline, None), block_renderers=(_block, None))
    app.connect("html-page-context", _make_accessible, priority=900)  # after the theme's own
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _inline(writer: Any, node: nodes.Node) -> None:  # noqa: ANN401
    writer.body.append(mathml(node.astext()))
    raise nodes.SkipNode


def _block(writer: Any, node: nodes.Node) -> None:  # noqa: ANN401
    writer.body.append(mathml(node.astext(), block=True))
    raise nodes.SkipNode


def _make_accessible(_: object, page: str, template: str, context: dict[str, Any], doctree: object) -> None:
    """Gives the navigation's headings a level, and lets the keyboard reach code that is wider than the page."""
    tree, body = (str(context.get(part, "")) for part in ("furo_navigation_tree", "body"))
    context["furo_navigation_tree"] = tree.replace('role="heading"', 'role="heading" aria-level="2"')
    context["body"] = body.replace("<pre>", '<pre tabindex="0">')
