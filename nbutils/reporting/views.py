"""What a notebook shows for a table or a figure: the thing itself with its caption."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from html import escape

import pandas as pd

from nbutils.reporting.formatting import numeric_columns, rounded

_NOTE = "font-size:0.92em;opacity:0.8;max-width:62em;text-align:left"


@dataclass(frozen=True)
class TableView:
    """A rounded table with its caption and note, for display in a notebook."""

    frame: pd.DataFrame
    caption: str
    note: str = ""

    def _repr_html_(self) -> str:
        text, numbers = rounded(self.frame), numeric_columns(self.frame)
        styles = [f"text-align:{'right' if number else 'left'};padding:0.25em 0.8em" for number in numbers]
        head = "".join(
            f'<th style="{style};border-bottom:1.5px solid">{escape(name)}</th>'
            for name, style in zip(text.columns, styles, strict=True)
        )
        rows = "".join(
            "<tr>"
            + "".join(
                f'<td style="{style};font-variant-numeric:tabular-nums">{escape(cell)}</td>'
                for cell, style in zip(row, styles, strict=True)
            )
            + "</tr>"
            for row in text.itertuples(index=False)
        )
        note = f'<p style="{_NOTE};font-style:italic;margin:0.4em 0">{escape(self.note)}</p>' if self.note else ""
        return (
            '<div style="overflow-x:auto"><table style="border-collapse:collapse;margin:0.6em 0">'
            f'<caption style="{_NOTE};caption-side:top">{escape(self.caption)}</caption>'
            f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>{note}</div>"
        )

    def __repr__(self) -> str:
        lines = [self.caption, rounded(self.frame).to_string(index=False), self.note]
        return "\n".join(line for line in lines if line)


@dataclass(frozen=True)
class FigureView:
    """A picture (PNG) with its caption, for display in a notebook."""

    png: bytes
    caption: str

    def _repr_html_(self) -> str:
        picture = base64.b64encode(self.png).decode("ascii")
        return (
            '<figure style="margin:0.6em 0">'
            f'<img alt="{escape(self.caption)}" style="max-width:100%" src="data:image/png;base64,{picture}">'
            f'<figcaption style="{_NOTE}">{escape(self.caption)}</figcaption></figure>'
        )

    def __repr__(self) -> str:
        return f"[figure] {self.caption}"
