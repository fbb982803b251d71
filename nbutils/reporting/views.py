"""What a notebook shows of a run: a table, a figure, its verdicts, and where its files are."""

from __future__ import annotations

import base64
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any
from urllib.parse import quote

import pandas as pd

from nbutils.reporting.claims import ClaimVerdict, caveats
from nbutils.reporting.formatting import LONG_TABLE, MISSING, interval, numeric_columns, probability, rounded

#: Key of an output's metadata, by which a page knows the list of files, which it replaces with its own.
RESULTS = "nbutils-results"

#: Letters of a line in a cell before it may break.
_READABLE = 24
#: Resolution of the figures of a run.
FIGURE_DPI = 144
#: Inches up to which a figure shrinks as far as a telephone is narrow, and the share to which a wider one does.
_NARROW, _LEGIBLE = 7, 0.6
#: Of a wide table, which scrolls in itself, the caption stays in sight.
_STAYS = "display:inline-block;position:sticky;left:0;max-width:100cqw"
_NOTE = "font-size:0.92em;opacity:0.8;max-width:62em;text-align:left"
_HEAD = "border-bottom:1.5px solid;padding:0.25em 0.8em"
_CELL = "padding:0.25em 0.8em"
#: A verdict's mark and colour: JupyterLab's, of its theme, else a page's, else one that both grounds bear.
_MARKS = {
    "holds": ("✓", "var(--jp-success-color1, var(--good, #2e8b57))"),
    "does not hold": ("✗", "var(--jp-error-color1, var(--bad, #d0483f))"),
    "undecided": ("?", "var(--jp-warn-color1, var(--open, #b7791f))"),
}


def show(view: object, *, key: str | None = None) -> None:
    """Show `view` below the notebook's cell; outside a notebook, nothing.

    Args:
        view: anything with `_repr_html_`.
        key: of the output's metadata, by which it is found again.
    """
    ipython = sys.modules.get("IPython")  # without it, this is no notebook
    if ipython is not None and ipython.get_ipython() is not None:
        ipython.display.display(view, metadata={key: True} if key else None)


@dataclass(frozen=True)
class TableView:
    """A rounded table with its caption and note, for display in a notebook."""

    frame: pd.DataFrame
    caption: str
    note: str = ""

    def _repr_html_(self) -> str:
        text, numbers = rounded(self.frame), numeric_columns(self.frame)
        aligned = [f"text-align:{'right' if number else 'left'}" for number in numbers]
        names = text.shape[1] - self.frame.shape[1]  # the index's levels, each row's name
        # On a narrow screen a table scrolls; a text keeps the width that it needs to be read.
        needs = [
            max(min(len(name), _READABLE // 2), min(text.iloc[:, place].map(len).max() if len(text) else 0, _READABLE))
            for place, name in enumerate(text.columns)
        ]
        aligned = [f"{style};min-width:{0.55 * width:.1f}em" for style, width in zip(aligned, needs, strict=True)]
        head = [_cell("th", name, f"{style};{_HEAD}", "col") for name, style in zip(text.columns, aligned, strict=True)]
        rows = [
            [
                _cell("th", cell, f"{style};font-weight:inherit;{_CELL}", "row")
                if column < names
                else _cell("td", cell, f"{style};font-variant-numeric:tabular-nums;{_CELL}")
                for column, (cell, style) in enumerate(zip(row, aligned, strict=True))
            ]
            for row in text.itertuples(index=False)
        ]
        return _table(head, rows, self.caption, self.note)

    def __repr__(self) -> str:
        lines = [self.caption, rounded(self.frame).to_string(index=False), self.note]
        return "\n".join(line for line in lines if line)


@dataclass(frozen=True)
class FigureView:
    """A picture (PNG) with its caption and note, for display in a notebook."""

    png: bytes
    caption: str
    note: str = ""

    def _repr_html_(self) -> str:
        picture = base64.b64encode(self.png).decode("ascii")
        note = f" <i>{escape(self.note)}</i>" if self.note else ""
        return (
            '<figure style="margin:0.6em 0"><div style="overflow-x:auto" tabindex="0">'
            f'<img alt="{escape(self.caption)}" style="max-width:100%;min-width:{least_width(self.png)}" '
            f'src="data:image/png;base64,{picture}"></div>'
            f'<figcaption style="{_NOTE}">{escape(self.caption)}{note}</figcaption></figure>'
        )

    def __repr__(self) -> str:
        return f"[figure] {self.caption}"


@dataclass(frozen=True)
class VerdictsView:
    """The claims of a paper with a run's verdicts, corrected for their number, for display in a notebook.

    Attributes:
        verdicts: of the claims.
        preset: of the run.
    """

    verdicts: Sequence[ClaimVerdict]
    preset: object

    @property
    def frame(self) -> pd.DataFrame:
        """A row a claim: the paper's numbers, ours with its interval, the verdict, and what remains of it corrected."""
        rows = [
            {
                "claim": verdict.text,
                "source": verdict.source,
                "paper": verdict.paper,
                "ours": verdict.value,
                "low": verdict.low,
                "high": verdict.high,
                "verdict": ", ".join([verdict.verdict, *self._caveats(verdict)]),
                "p": verdict.p_value,
                "corrected p": verdict.corrected_p_value,
                "corrected": verdict.corrected,
            }
            for verdict in self.verdicts
        ]
        columns = ["claim", "source", "paper", "ours", "low", "high", "verdict", "p", "corrected p", "corrected"]
        return pd.DataFrame(rows, columns=columns)

    def _repr_html_(self) -> str:
        if not self.verdicts:
            return "<p>No claim of the paper can be judged on these data.</p>"
        names = ("claim", "printed", "ours, with its interval", "verdict", "corrected")
        head = [_cell("th", name, f"text-align:left;{_HEAD}", "col") for name in names]
        rows = []
        for verdict in self.verdicts:
            ours = interval(verdict.value, verdict.low, verdict.high)
            chance = [*self._caveats(verdict), probability(verdict.p_value)]
            rows.append(
                [
                    _entry("th", _lines(verdict.text, [verdict.source]), "13em", "row"),
                    _entry("td", escape(verdict.paper or MISSING), "6em"),
                    _entry("td", _lines(ours, [f"{verdict.measure}; {verdict.interval}"]), "9em"),
                    _entry("td", _marked(verdict.verdict) + _lines("", chance), "7em"),
                    _entry("td", _marked(verdict.corrected) + _lines("", [probability(verdict.corrected_p_value)])),
                ]
            )
        note = (
            "A claim holds or does not hold only where its whole interval lies on one side. Corrected: what is left "
            "when the p-values of all these claims are corrected for their number (Holm)."
        )
        return _table(head, rows, "The paper's claims, and what holds here", note)

    def __repr__(self) -> str:
        lines = (
            f"{', '.join([verdict.verdict, *self._caveats(verdict)])}: {verdict.text}\n"
            f"    {verdict.measure}: {interval(verdict.value, verdict.low, verdict.high)}; "
            f"printed: {verdict.paper or MISSING} ({verdict.source})"
            for verdict in self.verdicts
        )
        return "\n".join(lines)

    def _caveats(self, verdict: ClaimVerdict) -> list[str]:
        return caveats(verdict.seeds, self.preset)


@dataclass(frozen=True)
class ResultsView:
    """Links to a run's page, tables and figures, for display in a notebook.

    Attributes:
        folder: of the run, from the folder that links start from.
        place: what the folder is called.
        items: what the run recorded, as in artefacts.json.
        page: whether there is a page.
    """

    folder: str
    place: str
    items: Sequence[Mapping[str, Any]]
    page: bool

    def _repr_html_(self) -> str:
        page = f" {self._link('page.html', 'page')}" if self.page else ""
        listed = "".join(
            f"<li>{escape(item['caption'])} "
            + " ".join(self._link(file, kind.upper()) for kind, file in item["files"].items())
            + "</li>"
            for item in self.items
        )
        return f"<p>The results are in <code>{escape(self.place)}</code>.{page}</p><ul>{listed}</ul>"

    def __repr__(self) -> str:
        return f"The results are in {self.place}"

    def _link(self, file: str, text: str) -> str:
        return f'<a href="{quote(f"{self.folder}/{file}")}">{escape(text)}</a>'


def least_width(png: bytes) -> str:
    """As CSS, below which width a figure scrolls instead of shrinking further: wide ones would be too small to read.

    Args:
        png: Of `Run.figure`; its first 24 bytes are enough.
    """
    inches = int.from_bytes(png[16:20], "big") / FIGURE_DPI
    return f"{_LEGIBLE * inches:.1f}in" if inches > _NARROW else "0"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], caption: str, note: str) -> str:
    below = f'<p style="{_NOTE};font-style:italic;margin:0.4em 0">{escape(note)}</p>' if note else ""
    body = "".join(f"<tr>{''.join(row)}</tr>" for row in rows)
    scrolls = "overflow:auto;max-height:36em" if len(rows) > LONG_TABLE else "overflow-x:auto"
    return (
        f'<div style="{scrolls};container-type:inline-size" tabindex="0">'
        '<table style="border-collapse:collapse;margin:0.6em 0">'
        f'<caption style="{_NOTE};caption-side:top"><span style="{_STAYS}">{escape(caption)}</span></caption>'
        f"<thead><tr>{''.join(head)}</tr></thead><tbody>{body}</tbody></table></div>{below}"
    )


def _cell(tag: str, text: str, style: str, scope: str = "") -> str:
    of = f' scope="{scope}"' if scope else ""
    return f'<{tag}{of} style="{style}">{escape(text)}</{tag}>'


def _lines(text: str, below: Sequence[str]) -> str:
    small = "".join(f'<br><span style="font-size:0.9em;opacity:0.8">{escape(line)}</span>' for line in below if line)
    return f"{escape(text)}{small}"


def _entry(tag: str, html: str, width: str = "0", scope: str = "") -> str:
    """A cell of text in several lines."""
    of = f' scope="{scope}"' if scope else ""
    style = f"{_CELL};text-align:left;vertical-align:top;white-space:normal;font-weight:inherit;min-width:{width}"
    return f'<{tag}{of} style="{style}">{html}</{tag}>'


def _marked(verdict: str | None) -> str:
    if verdict is None:
        return MISSING
    mark, colour = _MARKS[verdict]
    return f'<b style="color:{colour};white-space:nowrap">{mark} {verdict}</b>'
