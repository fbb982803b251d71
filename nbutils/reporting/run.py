"""A notebook's results on disk: its tables, figures, numbers, claims and where they came from."""

from __future__ import annotations

import hashlib
import io
import logging
import os
import re
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from nbutils.errors import NbutilsError, ParameterError
from nbutils.paths import project_root, runs_dir
from nbutils.reporting.claims import ClaimVerdict, correct
from nbutils.reporting.formatting import csv, latex, markdown
from nbutils.reporting.json_files import as_json, jsonable
from nbutils.reporting.live_cells import RUNNER_VARIABLE, is_kept_here, live_cells, notebook_title
from nbutils.reporting.notebook_parameters import notebook_parameters
from nbutils.reporting.provenance import environment, git_state
from nbutils.reporting.run_folder import (
    MARKER,
    PAGE,
    RECORDS,
    Marker,
    check_place,
    is_own,
    put_in_place,
    read_marker,
    scratch_folder,
    seal,
    write_marker,
)
from nbutils.reporting.views import FIGURE_DPI, RESULTS, FigureView, ResultsView, TableView, VerdictsView, show
from nbutils.training.store import NOTEBOOK_VARIABLE
from nbutils.writing import write_aside

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from nbutils.data.faces import FaceData
    from nbutils.data.spec import DataSpec
    from nbutils.training.graph import TrainedCells
    from nbutils.training.spec import TrainingSpec

logger = logging.getLogger(__name__)

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")


class Run:
    """Collects and writes what one run of a notebook found.

    Tables and figures are written as they come; `finish` writes the records that mark the run as complete.
    Without an `out_dir` they gather beside `runs/<notebook>` and take its place at `finish`, so that a run
    broken off in the middle leaves the former results whole. In an `out_dir`, files that no run wrote stay as they are;
    one that is in the way is named, and nothing is written.

    In a notebook, tables and figures are shown as they come. What this process trains from now on is noted in the
    store as this notebook's (`NBUTILS_NOTEBOOK`).

    Args:
        notebook: the notebook's name below `notebooks/`, without suffix.
        parameters: the notebook's parameters; "dataset" and "preset" must be among them, since every caption
            names them, and "seed" is named where given.
        out_dir: folder to write to; empty for `runs/<notebook>` of the project.

    Raises:
        ParameterError: the data set or the preset is missing, a parameter is no plain value, or the folder holds
            something that no run wrote and that is in the way.

    Example:
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> import pandas as pd
        >>> from nbutils.reporting import Run
        >>> with TemporaryDirectory() as folder:
        ...     run = Run("mine/trial", parameters={"dataset": "synthetic", "preset": "smoke"}, out_dir=folder)
        ...     run.table("scores", pd.DataFrame({"AUC": [95.0]}, index=["student"]), caption="AUC in %")
        ...     run.finish()
        ...     sorted(file.name for file in Path(folder, "tables").iterdir())
        ['scores.csv', 'scores.md', 'scores.tex']
    """

    def __init__(self, notebook: str, *, parameters: Mapping[str, object], out_dir: str | Path | None = None) -> None:
        for needed in ("dataset", "preset"):
            if not parameters.get(needed):
                raise ParameterError(f"{notebook}: parameter {needed!r} is missing: every caption names it")
        self.notebook = notebook
        os.environ[NOTEBOOK_VARIABLE] = notebook
        # The folder says where a result lies, not what it is.
        self.parameters = {name: value for name, value in parameters.items() if name != "out_dir"}
        self._started = datetime.now(UTC)
        self._clock = time.perf_counter()
        self._git = git_state(project_root())
        self._metrics: dict[str, float | None] = {}
        self._claims: dict[str, ClaimVerdict] = {}
        self._artefacts: dict[tuple[str, str], dict[str, Any]] = {}
        self._fingerprints: dict[str, str] = {}
        self._remarks: list[str] = []
        self._trained_now: dict[str, bool] = {}
        self._unseen_verdicts = False
        try:
            jsonable(self.parameters)
        except TypeError as error:
            raise ParameterError(f"{notebook}: parameters: {error}") from error
        if out_dir:
            self.folder = self._final = Path(out_dir)
            self._marker = _opened(self.folder, notebook)
        else:
            self._final = runs_dir() / notebook
            check_place(self._final)
            self.folder = scratch_folder(self._final, notebook)
            self._marker = read_marker(self.folder) or Marker(notebook=notebook)
        self._cells = live_cells()

    @classmethod
    def start(cls, notebook: str, namespace: Mapping[str, object]) -> Run:
        """The run of the notebook that is running, with its parameters as its first code cell set them.

        Args:
            notebook: as in `Run`.
            namespace: the notebook's `globals()`.

        Raises:
            ParameterError: as in `Run`, or the cell of parameters was not executed.
        """
        parameters = notebook_parameters(namespace)
        return cls(notebook, parameters=parameters, out_dir=str(parameters["out_dir"]))

    @property
    def setting(self) -> str:
        """What every caption ends with: the data set, the preset and the seed, or the seeds."""
        parts = [f"data: {self.parameters['dataset']}", f"preset: {self.parameters['preset']}"]
        if "seed" in self.parameters:
            seed, seeds = (int(str(self.parameters.get(name, 1))) for name in ("seed", "seeds"))
            parts.append(f"seed {seed}" if seeds == 1 else f"seeds {seed} to {seed + seeds - 1}")
        return f"({', '.join(parts)})"

    def load(self, data: DataSpec, *needed: str, name: str = "") -> FaceData:
        """Load faces, and record their digest.

        Args:
            data: the faces that a training names.
            needed: what they must offer: "identity", "attributes", "landmarks", "pairs".
            name: the part that they are, as of `fingerprint`; empty: the parameter `dataset`.

        Raises:
            DataError: the faces lack something that is needed, or cannot be read.
        """
        faces = data.load().require(*needed)
        self.fingerprint(name or str(self.parameters["dataset"]), faces.fingerprint)
        return faces

    def train(self, cells: Sequence[Mapping[Any, TrainingSpec]]) -> TrainedCells:
        """Train the cells of tables by `train_cells`, every network once, and print how many there are.

        The metrics "networks" and "networks trained now" count those of all calls, each once. Networks whose gradient
        was clipped in more than 1 % of their steps are remarked on.
        """
        from nbutils.evaluation.students import clipping_remarks
        from nbutils.training.graph import train_cells

        trained = train_cells(cells)
        self._trained_now = {key: each.trained_now for key, each in trained.networks.items()} | self._trained_now
        self.metric("networks", len(self._trained_now))
        self.metric("networks trained now", sum(self._trained_now.values()))
        print(trained)
        self.remark(*clipping_remarks(trained.networks.values()))
        return trained

    def table(self, name: str, frame: pd.DataFrame, *, caption: str, note: str = "") -> None:
        """Show `frame`, and write it to `tables/<name>` as CSV (full precision), Markdown and LaTeX (rounded).

        It is shown wherever in a cell this stands.

        Args:
            name: file name without suffix: letters, digits, "-" and "_".
            frame: any frame; an index that does more than count the rows becomes the first columns.
            caption: what the table shows; the data set, preset and seed are added.
            note: what a reader must know beside it.
        """
        caption = self._caption(name, caption)
        files = {kind: f"tables/{name}.{kind}" for kind in ("csv", "md", "tex")}
        self._write(files["csv"], csv(frame))
        self._write(files["md"], markdown(frame, caption, note))
        self._write(files["tex"], latex(frame, caption, name))
        self._record("table", name, caption, note, files)
        show(TableView(frame, caption, note))

    def figure(self, name: str, figure: Figure, *, caption: str, note: str = "") -> None:
        """Show `figure`, write it to `figures/<name>` as PNG and SVG, and close it.

        It is shown wherever in a cell this stands; arguments as of `table`.
        """
        import matplotlib as mpl
        import matplotlib.pyplot as plt

        caption = self._caption(name, caption)
        files = {kind: f"figures/{name}.{kind}" for kind in ("png", "svg")}
        png, svg = io.BytesIO(), io.BytesIO()
        # Laid out once for both: with constrained layout that takes longer than drawing.
        figure.draw_without_rendering()
        figure.set_layout_engine(None)
        box = figure.get_tightbbox().padded(mpl.rcParams["savefig.pad_inches"])
        figure.savefig(png, format="png", dpi=FIGURE_DPI, bbox_inches=box)
        # Same figure, same bytes: no date and no random identifiers in the file.
        with mpl.rc_context({"svg.hashsalt": name}):
            figure.savefig(svg, format="svg", bbox_inches=box, metadata={"Date": None})
        plt.close(figure)
        self._write(files["png"], png.getvalue())
        self._write(files["svg"], svg.getvalue())
        self._record("figure", name, caption, note, files)
        show(FigureView(png.getvalue(), caption, note))

    def metric(self, name: str, value: float) -> None:
        """Record one number for `metrics.json`; a non-finite one is written as null.

        Raises:
            ParameterError: `value` is not a number.
        """
        plain = jsonable(value)
        if plain is not None and not isinstance(plain, bool | int | float):
            raise ParameterError(f"metric {name!r} is {value!r}, expected a number")
        self._metrics[name] = plain

    def metrics(self, group: str, values: Mapping[Any, float] | pd.Series[float]) -> None:
        """Record each of several numbers as "group/name"; as `metric`."""
        for name, value in values.items():
            self.metric(f"{group}/{name}", value)

    def claim(self, verdict: ClaimVerdict) -> ClaimVerdict:
        """Record the verdict on one claim; a later one on the same claim replaces it."""
        self._claims[verdict.claim] = verdict
        self._unseen_verdicts = True
        return verdict

    def remark(self, *texts: str) -> str:
        """Print and record what a reader must know before believing the run's verdicts.

        Args:
            texts: a sentence each, without its full stop.

        Returns:
            All of them as one text, for a table's note.
        """
        for text in texts:
            print(text)
            if text not in self._remarks:
                self._remarks.append(text)
        return " ".join(f"{text}." for text in texts)

    def fingerprint(self, name: str, digest: str) -> None:
        """Record the digest of the data set's part `name` ("training", "pairs" …) that this run used."""
        self._fingerprints[name] = digest

    @property
    def verdicts(self) -> VerdictsView:
        """The claims judged so far, for display as a cell's last value; `verdicts.frame` has them as a table.

        "Corrected" is what remains of a verdict once the p-values of all claims are corrected for their number (Holm).
        """
        self._unseen_verdicts = False
        return VerdictsView(correct(self._claims.values()), self.parameters["preset"])

    def finish(self) -> None:
        """Write metrics, claims, captions and provenance, which mark the run as complete, and show where they are.

        In a notebook that a person runs, this writes the run's page, too. `folder` then holds everything.
        """
        if self._unseen_verdicts:
            show(self.verdicts)
        page = self._cells.notebook(self.notebook) if self._cells else None
        self._cells = None
        title = self.notebook if page is None else notebook_title(page) or self.notebook
        records: dict[str, object] = {
            "metrics.json": self._metrics,
            "claims.json": [verdict.model_dump() for verdict in correct(self._claims.values())],
            "artefacts.json": {
                "notebook": self.notebook,
                "title": title,
                "setting": self.setting,
                "items": list(self._artefacts.values()),
                "remarks": self._remarks,
            },
            "provenance.json": {
                "notebook": self.notebook,
                "parameters": self.parameters,
                "seed": self.parameters.get("seed"),
                "started": self._started,
                "wall_time_s": round(time.perf_counter() - self._clock, 3),
                "data": self._fingerprints,
                "git": self._git,
                **environment(),
            },
        }
        for name in RECORDS:
            self._write(name, as_json(records[name]))
        if page is not None:
            from nbutils.reporting.page import render_page

            self._write(PAGE, render_page(page, self.folder, title=title))
        if self.folder != self._final:
            seal(self.folder)
            former = put_in_place(self.folder, self._final)
            if former is not None:
                logger.warning("%s held files that no run wrote: it is now %s", self._final, former)
            self.folder = self._final
        # The runner keeps the executed notebook in the run's folder, a person in the working one, others anywhere.
        folder = "." if RUNNER_VARIABLE in os.environ else _relative(self.folder)
        place = folder if is_kept_here() else str(self.folder.resolve())
        items, has_page = list(self._artefacts.values()), (self.folder / PAGE).is_file()
        show(ResultsView(folder, place, items, page=has_page), key=RESULTS)

    def _write(self, name: str, content: str | bytes) -> None:
        """Write a file of the run, and list it as one."""
        data = content.encode("utf-8") if isinstance(content, str) else content
        path = self.folder / name
        try:
            if not is_own(path, self._marker, name):
                raise ParameterError(f"{path} exists and no run wrote it: choose another out_dir, or move it away")
            write_aside(path, data)
            self._marker.files[name] = hashlib.sha256(data).hexdigest()
            write_marker(self.folder, self._marker)
        except OSError as error:
            raise NbutilsError(f"cannot write {path}: {error.strerror or error}") from error

    def _caption(self, name: str, caption: str) -> str:
        if not _NAME.fullmatch(name):
            raise ParameterError(f"{name!r} is no file name: expected letters, digits, '-' and '_'")
        if not caption.strip():
            raise ParameterError(f"{name}: the caption is empty")
        return f"{caption.strip().rstrip('.')} {self.setting}"

    def _record(self, kind: str, name: str, caption: str, note: str, files: dict[str, str]) -> None:
        self._artefacts[kind, name] = {
            "kind": kind,
            "name": name,
            "caption": caption,
            "note": note,
            "files": files,
        }


def _relative(folder: Path) -> str:
    """`folder` from the working folder, unless it lies on another drive."""
    try:
        return Path(os.path.relpath(folder)).as_posix()
    except ValueError:
        return folder.as_posix()


def _opened(folder: Path, notebook: str) -> Marker:
    """Make `folder` a run's, without the records of a former one."""
    if folder.exists() and not folder.is_dir():
        raise ParameterError(f"{folder} is a file: expected a folder for the run")
    found = read_marker(folder)
    former = found or Marker(notebook=notebook)
    left = (*RECORDS, PAGE)
    for name in left if found else (MARKER, *left):
        if not is_own(folder / name, former, name):
            raise ParameterError(f"{folder / name} exists and no run wrote it: choose another out_dir, or move it away")
    folder.mkdir(parents=True, exist_ok=True)
    for name in left:
        (folder / name).unlink(missing_ok=True)
        former.files.pop(name, None)
    marker = Marker(notebook=notebook, owner=former.owner, files=former.files)
    write_marker(folder, marker)
    return marker
