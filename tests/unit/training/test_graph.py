"""Networks behind cells of tables: each trained once."""

from pathlib import Path

import pytest

from nbutils.errors import ParameterError
from nbutils.training import Store, TrainingSpec, train_cells
from tests.unit.training.conftest import MakeSpec


@pytest.mark.slow
def test_cells_share_their_networks_and_train_each_once(
    tmp_path: Path, make_student: MakeSpec, teacher: TrainingSpec
) -> None:
    store = Store(tmp_path / "store")
    tables = [
        {"T": t, "S": make_student(teacher=(t,), seed=s), "S again": make_student(teacher=(t,), seed=s)}
        for s, t in ((s, teacher.model_copy(update={"seed": s})) for s in (0, 1))
    ]
    first = train_cells(tables, store=store, progress=False)
    assert first.trained_now == len(first.networks) == 4
    assert [r.spec.seed for r in first.results["S"]] == [0, 1]
    assert first.results["S"] == first.results["S again"]
    second = train_cells(tables, store=store, progress=False)
    assert str(second).startswith("Cells: 3; distinct networks behind them: 4 (0 trained now, 4 found")
    with pytest.raises(ParameterError, match="the same cells"):
        train_cells([tables[0], {"T": teacher}], store=store)


def test_a_tables_cells_are_found_by_its_title(tmp_path: Path, teacher: TrainingSpec) -> None:
    trained = train_cells([{("Table 1", "T"): teacher, ("Table 2", 8): teacher}], store=Store(tmp_path), progress=False)
    assert list(trained.table("Table 1")) == ["T"]
    assert list(trained.table("Table 2")) == [8]
