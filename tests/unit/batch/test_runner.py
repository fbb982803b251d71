import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from nbutils.batch.runner import Job, run_jobs
from nbutils.errors import ParameterError
from nbutils.reporting.run_folder import MARKER, RECORDS, Marker, read_marker, seal, write_marker
from tests.unit.batch.conftest import RUN, Make

pytestmark = pytest.mark.slow

RESULTS = """\
import os, sys, time
import pandas as pd
import matplotlib.pyplot as plt
from tqdm.auto import tqdm
for _ in tqdm(range(4), desc="Teaching"):
    time.sleep(0.3)
figure, axes = plt.subplots()
if True:
    run.table("numbers", pd.DataFrame({"x": [1.5]}), caption="Numbers")
run.figure("line", figure, caption="A line")
run.metric("seed", seed)
run.metric("own_interpreter", sys.executable == INTERPRETER)
print(os.getcwd())
"""


def _status(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / "status.json").read_text(encoding="utf-8")))


def test_runs_leave_results_or_their_error(
    make_notebook: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One complete, one that raises, one without finish(), one whose kernel dies."""
    # A stale kernel named python3 elsewhere must not be the one that runs.
    stale = tmp_path / "jupyter/kernels/python3"
    stale.mkdir(parents=True)
    (stale / "kernel.json").write_text('{"argv": ["/absent/python"], "display_name": "x", "language": "python"}')
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    good = f"INTERPRETER = {sys.executable!r}\n{RESULTS}"
    notebooks = {
        "some/good": make_notebook("some/good", RUN, good, "run.finish()", title="# Good\n$x^2$"),
        "bad": make_notebook("bad", RUN + 'raise ValueError("<b>boom</b>")', "run.finish()"),
        "incomplete": make_notebook("incomplete", RUN),
        "dead": make_notebook("dead", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"),
    }
    out = tmp_path / "out"
    jobs = [Job(name, file, out / name, {"seed": 3, "preset": "smoke"}) for name, file in notebooks.items()]
    events: list[tuple[str, dict[str, Any]]] = []

    outcomes = run_jobs(jobs, watch=lambda name, event: events.append((name, event)))

    errors = {outcome.job.name: outcome.error for outcome in outcomes}
    assert list(errors) == list(notebooks)
    assert errors["some/good"] is None
    assert not [file for file in out.rglob("*") if file.name.startswith(".")]

    run = out / "some/good"
    files = {file.relative_to(run).as_posix() for file in run.rglob("*") if file.is_file()}
    assert files == {
        *("tables/numbers.csv", "tables/numbers.md", "tables/numbers.tex"),
        *("figures/line.png", "figures/line.svg"),
        *("executed.ipynb", "page.html", "status.json", MARKER),
        *RECORDS,
    }
    metrics = json.loads((run / "metrics.json").read_text(encoding="utf-8"))
    assert metrics == {"seed": 3, "own_interpreter": True}
    assert _status(run)["title"] == "Good"
    page = (run / "page.html").read_text(encoding="utf-8")
    assert "Numbers (data: synthetic, preset: smoke, seed 3)" in page
    assert "run.metric" not in page
    assert "it/s]" not in page
    executed = (run / "executed.ipynb").read_text(encoding="utf-8")
    assert str(notebooks["some/good"].parent) in executed
    assert str(notebooks["some/good"].parent) not in page
    assert ".partial" not in executed
    assert 'href="tables/numbers.csv"' in page
    assert 'href=\\"./tables/numbers.csv\\"' in executed
    told = [event for name, event in events if name == "some/good"]
    assert {"cell": 1, "of": 6, "heading": "Good"} in told
    assert any("Teaching" in event.get("bar", "") and " 3/4 " in event["bar"] for event in told)
    assert told[-1] == {"status": "ok"}

    assert errors["bad"] == "ValueError: <b>boom</b>"
    assert "without run.finish(): no metrics.json, claims.json" in str(errors["incomplete"])
    assert str(errors["dead"]).startswith("DeadKernelError")
    for name in ("bad", "incomplete", "dead"):
        page = (out / name / "page.html").read_text(encoding="utf-8")
        assert "This run failed" in page
        assert str(errors[name]).partition(":")[0] in page
        assert (out / name / "error.txt").read_text(encoding="utf-8").startswith(str(errors[name]))
    assert "<b>boom</b>" not in (out / "bad/page.html").read_text(encoding="utf-8")
    outputs = [
        output
        for cell in json.loads((out / "bad/executed.ipynb").read_text(encoding="utf-8"))["cells"]
        for output in cell.get("outputs", ())
    ]
    assert outputs[-1]["evalue"] == "<b>boom</b>"


def test_a_cell_past_its_limit_fails_the_run(make_notebook: Make, tmp_path: Path) -> None:
    notebook = make_notebook("slow", "import time; time.sleep(600)")

    outcome = run_jobs([Job("slow", notebook, tmp_path / "out/slow")], cell_limit_s=2)[0]

    assert outcome.error == "TimeoutError: a cell ran longer than 2 seconds"
    assert outcome.error in (tmp_path / "out/slow/page.html").read_text(encoding="utf-8")
    assert '"output_type": "error"' in (tmp_path / "out/slow/executed.ipynb").read_text(encoding="utf-8")


def _former_run(folder: Path) -> None:
    (folder / "tables").mkdir(parents=True)
    (folder / "tables/old.csv").touch()
    (folder / "status.json").write_text("former", encoding="utf-8")
    write_marker(folder, Marker(notebook="a"))
    seal(folder)


def test_a_run_takes_the_place_of_the_former_one_and_leaves_what_is_not_its_own(
    make_notebook: Make, tmp_path: Path
) -> None:
    folder, beside = tmp_path / "out/a", tmp_path / "out/b"
    for former in (folder, beside):
        _former_run(former)
    (beside / "thesis.docx").touch()
    notebook = make_notebook("a", RUN + "open(out_dir + '/own.txt', 'w').close(); run.finish()")

    plain, moved = run_jobs([Job("a", notebook, folder), Job("b", notebook, beside)])

    assert (plain.status, plain.former) == ("ok", None)
    assert not (folder / "tables").exists()
    assert moved.former is not None
    assert sorted(file.name for file in moved.former.iterdir()) == [MARKER, "status.json", "tables", "thesis.docx"]
    assert not (beside / "thesis.docx").exists()
    assert sorted(file.name for file in folder.parent.iterdir()) == ["a", "b", "b.former"]
    marker = read_marker(folder)
    assert marker is not None
    assert "own.txt" in marker.files


@pytest.mark.parametrize("theirs", ["thesis.txt", *RECORDS, "status.json"])
def test_a_folder_of_other_things_is_left_alone(make_notebook: Make, tmp_path: Path, theirs: str) -> None:
    (tmp_path / "out/a").mkdir(parents=True)
    (tmp_path / "out/a" / theirs).touch()

    with pytest.raises(ParameterError, match=r"out/a exists and holds no run"):
        run_jobs([Job("a", make_notebook("a"), tmp_path / "out/a")])

    assert (tmp_path / "out/a" / theirs).is_file()


def test_a_folder_with_the_notebook_itself_is_never_replaced(make_notebook: Make) -> None:
    notebook = make_notebook("a/a")
    with pytest.raises(ParameterError, match=r"a\.ipynb itself: choose another folder"):
        run_jobs([Job("a", notebook, notebook.parent)], force=True)
    assert notebook.is_file()


def test_an_interrupt_lets_cells_end_and_keeps_the_former_run(make_notebook: Make, tmp_path: Path) -> None:
    """The cell is interrupted as in JupyterLab, so that a training can save what it has."""
    folder = tmp_path / "out/a"
    _former_run(folder)
    kernel_pid, saved = tmp_path / "pid", tmp_path / "saved"
    training = f"""
import os, time
try:
    open({str(kernel_pid)!r}, "w").write(str(os.getpid()))
    print("ready 0%|", file=__import__("sys").stderr)
    time.sleep(600)
except KeyboardInterrupt:
    open({str(saved)!r}, "w").close()
"""
    notebook = make_notebook("a", training)
    told: list[dict[str, Any]] = []

    def interrupt(_name: str, event: dict[str, Any]) -> None:
        told.append(event)
        if "bar" in event and sum("bar" in earlier for earlier in told) == 1:
            os.kill(os.getpid(), signal.SIGTERM)

    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt):
        run_jobs([Job("a", notebook, folder, {"seed": 1})], watch=interrupt)

    assert signal.getsignal(signal.SIGTERM) is before
    kernel = int(kernel_pid.read_text())
    assert not psutil.pid_exists(kernel) or psutil.Process(kernel).status() == psutil.STATUS_ZOMBIE
    assert (folder / "status.json").read_text(encoding="utf-8") == "former"
    assert [file.name for file in folder.parent.iterdir()] == ["a"]
    assert {"status": "stopping"} in told
    assert saved.exists()
