"""The papers' printed numbers and claims, read from the `printed.yml` of each paper's package."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from functools import cache
from importlib import resources

import pandas as pd
import yaml
from pydantic import BaseModel, ConfigDict, FiniteFloat, ValidationError, model_validator

from nbutils.errors import DataError, ParameterError, first_fault
from nbutils.reporting.claims import Claim

Cell = int | FiniteFloat | str | None


class PrintedTable(BaseModel):
    """One table or figure of a paper, as printed.

    Attributes:
        title: what it shows.
        source: its place in the paper.
        unit: unit of its numbers, or None where the columns differ.
        index: the column that names the rows.
        rows: one mapping of column to cell a row, all with the same columns.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str
    source: str
    unit: str | None = None
    index: str
    rows: tuple[dict[str, Cell], ...]

    @model_validator(mode="after")
    def _consistent(self) -> PrintedTable:
        columns = set(self.rows[0]) if self.rows else set()
        for number, row in enumerate(self.rows, start=1):
            if self.index not in row:
                raise ValueError(f"row {number} lacks its name, the column {self.index!r}")
            if set(row) != columns:
                raise ValueError(f"row {number} has columns {sorted(row)}, expected {sorted(columns)}")
        names = [row[self.index] for row in self.rows]
        if len(set(names)) != len(names):
            raise ValueError(f"two rows have the same {self.index}")
        return self

    def frame(self) -> pd.DataFrame:
        """The rows as a DataFrame indexed by their name; a number that the paper does not print is NaN."""
        return pd.DataFrame(list(self.rows)).set_index(self.index)

    def value(self, row: str, column: str | None = None) -> float:
        """The number in `row` and `column` (the first numeric one where none is named)."""
        frame = self.frame()
        return float(frame[column or frame.columns[0]].astype(float).loc[row])


class Paper(BaseModel):
    """A paper's printed tables and its claims."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str
    authors: tuple[str, ...]
    venue: str
    tables: dict[str, PrintedTable]
    claims: tuple[Claim, ...]

    @model_validator(mode="after")
    def _consistent(self) -> Paper:
        names = [claim.id for claim in self.claims]
        if len(set(names)) != len(names):
            raise ValueError("two claims have the same id")
        for claim in self.claims:
            if (claim.table is None) != (claim.rows is None) or bool(claim.printed) == bool(claim.rows):
                raise ValueError(f"claim {claim.id}: expected either printed numbers, or a table and two rows")
            if claim.table is not None and claim.table not in self.tables:
                raise ValueError(f"claim {claim.id}: no table {claim.table!r}")
            for row in claim.rows or ():
                if row not in self.tables[claim.table or ""].frame().index:
                    raise ValueError(f"claim {claim.id}: table {claim.table} has no row {row!r}")
        return self

    def claim(self, claim_id: str) -> Claim:
        """The claim `claim_id`, its printed numbers taken from the two rows where it compares two of a table.

        Raises:
            ParameterError: no such claim.
        """
        claims = {claim.id: claim for claim in self.claims}
        if claim_id not in claims:
            raise ParameterError(f"no claim {claim_id!r} of {self.title!r}: {_expected(claim_id, claims)}")
        found = claims[claim_id]
        if found.table is None or found.rows is None:
            return found
        first, second = (self.tables[found.table].value(row) for row in found.rows)
        names = found.called or found.rows
        places = max(len(f"{value:g}".partition(".")[2]) for value in (first, second))
        change = f"{first - second:+.{places}f}".replace("-", "−")
        text = f"{names[0]} {first:g}, {names[1]} {second:g} ({change})"
        return found.model_copy(update={"printed": text})


@cache
def paper(name: str) -> Paper:
    """The paper `name`, for instance "luo2016".

    Raises:
        ParameterError: no such paper.
        DataError: its file is malformed; the error names the place.

    Example:
        >>> from nbutils.papers import paper
        >>> paper("luo2016").venue
        'AAAI 2016'
    """
    files = {item.name: item / "printed.yml" for item in resources.files("nbutils.papers").iterdir() if item.is_dir()}
    known = sorted(package for package, file in files.items() if file.is_file())
    if name not in known:
        raise ParameterError(f"no printed numbers of a paper {name!r}: {_expected(name, known)}")
    return parse_paper(files[name].read_text(encoding="utf-8"), f"{name}/printed.yml")


def parse_paper(text: str, file: str) -> Paper:
    """A paper from its YAML `text`; `file` is its name in error messages.

    Raises:
        DataError: malformed YAML or content, naming the file and the place in it.
    """
    try:
        return Paper.model_validate(yaml.safe_load(text))
    except yaml.YAMLError as error:
        raise DataError(f"{file}: not YAML: {error}") from error
    except ValidationError as error:
        raise DataError(f"{file}: {first_fault(error, whole='content')}") from error


def printed(name: str, table: str) -> pd.DataFrame:
    """A table or figure as the paper prints it.

    Args:
        name: the paper, for instance "luo2016".
        table: for instance "fig3".

    Returns:
        One row a method, network, layer …, which is the index; NaN where the paper prints no number.

    Raises:
        ParameterError: no such paper or table.

    Example:
        >>> from nbutils.papers import printed
        >>> printed("luo2016", "fig3").head(3)
                               AUC  targets
        method
        T1                   97.83      NaN
        1-of-K               91.23  12294.0
        1-of-K + attributes  91.00  12294.0
    """
    tables = paper(name).tables
    if table not in tables:
        raise ParameterError(f"{name} has no printed table {table!r}: {_expected(table, tables)}")
    return tables[table].frame()


def claim(name: str, claim_id: str) -> Claim:
    """The claim `claim_id` of the paper `name`.

    Raises:
        ParameterError: no such paper or claim.

    Example:
        >>> from nbutils.papers import claim
        >>> claim("luo2016", "fig3-selection-over-teacher").text
        'A student of the selected neurons passes its teacher T1.'
    """
    return paper(name).claim(claim_id)


def beside(name: str, table: str, ours: pd.DataFrame, *, column: str = "AUC") -> pd.DataFrame:
    """Our numbers with the paper's own in front of them.

    Args:
        name: the paper.
        table: the printed table.
        ours: indexed by the printed rows' names; further rows are kept, with no printed number.
        column: the printed column.

    Returns:
        `ours` with a first column "paper <column>".

    Example:
        >>> import pandas as pd
        >>> from nbutils.papers import beside
        >>> ours = pd.DataFrame({"AUC": [95.0]}, index=["selection"])
        >>> beside("luo2016", "fig3", ours)
                   paper AUC   AUC
        selection      98.18  95.0
    """
    frame = printed(name, table)
    if column not in frame.columns:
        raise ParameterError(f"{name} {table} has no column {column!r}: {_expected(column, list(frame.columns))}")
    joined = ours.copy()
    joined.insert(0, f"paper {column}", frame[column].reindex(ours.index))
    return joined


def _expected(wanted: str, known: Iterable[str]) -> str:
    known = list(known)
    near = get_close_matches(wanted, known, n=1)
    return f"did you mean {near[0]!r}?" if near else f"expected one of {', '.join(known)}"
