"""Google-style docstrings as HTML."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Iterator
from html import escape

_SECTION = re.compile(r"(Args|Attributes|Returns|Yields|Raises|Example):")
_ITEM = re.compile(r"([*\w.]+): (.*)", re.DOTALL)
_LISTS = ("Args", "Attributes", "Raises")

#: Maps a name in backticks, such as "nbutils.data.Faces", to the address that it links to, if any.
Link = Callable[[str], str | None]


def summary(docstring: str) -> str:
    """The first paragraph of a cleaned docstring, in one line."""
    return " ".join(docstring.partition("\n\n")[0].split())


def docstring_html(docstring: str, link: Link) -> str:
    """A docstring's paragraphs, sections and examples.

    Args:
        docstring: As `inspect.getdoc` cleans it.
        link: Where names in backticks lead.

    Example:
        >>> docstring_html("Doubles `x`.", lambda name: None)
        '<p>Doubles <code>x</code>.</p>'
    """
    return "\n".join(_section(title, body, link) for title, body in _sections(docstring))


def inline_html(text: str, link: Link) -> str:
    """A text in which names in backticks are code, and links where there is something to link to."""
    parts = re.split(r"`([^`]+)`", text)
    return "".join(_code(part, link) if at % 2 else escape(part) for at, part in enumerate(parts))


def _sections(docstring: str) -> Iterator[tuple[str, str]]:
    """Title, empty before the first one, and dedented body of each section."""
    title, body = "", list[str]()
    for line in docstring.splitlines():
        found = _SECTION.fullmatch(line)
        if found:
            yield title, textwrap.dedent("\n".join(body)).strip("\n")
            title, body = found[1], []
        else:
            body.append(line)
    yield title, textwrap.dedent("\n".join(body)).strip("\n")


def _section(title: str, body: str, link: Link) -> str:
    heading = f"<h4>{title}</h4>\n" if title else ""
    if title not in _LISTS:
        return heading + "\n".join(_paragraph(part, link) for part in body.split("\n\n") if part.strip())
    rows = []
    for item in re.split(r"\n(?! )", body):
        found = _ITEM.fullmatch(item)
        name, text = (found[1], found[2]) if found else (item, "")
        rows.append(f"<dt><code>{escape(name)}</code></dt><dd>{inline_html(' '.join(text.split()), link)}</dd>")
    return f"{heading}<dl>{''.join(rows)}</dl>"


def _paragraph(text: str, link: Link) -> str:
    if not text.startswith(">>>"):
        return f"<p>{inline_html(' '.join(text.split()), link)}</p>"
    lines = []
    for line in text.splitlines():
        prompt = line[:4] if line.startswith((">>>", "...")) else ""
        shown = escape(line[len(prompt) :])
        # prompts are not selected, so that what is copied can be run
        lines.append(f"<i>{escape(prompt)}</i>{shown}" if prompt else f"<b>{shown}</b>")
    return f"<pre>{chr(10).join(lines)}</pre>"


def _code(name: str, link: Link) -> str:
    address = link(name)
    code = f"<code>{escape(name)}</code>"
    return f'<a href="{escape(address)}">{code}</a>' if address else code
