import io
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from nbutils.batch.sweeps.joined import join_runs
from nbutils.evaluation import mean_interval
from nbutils.papers import claim
from nbutils.reporting import Run
from nbutils.reporting.over_seeds import (
    claims_over_seeds,
    makers,
    metrics_frame,
    read_runs,
    seed_groups,
    swept_metrics,
    table_over_seeds,
)

#: AUC by temperature and seed.
AUC = {1.0: [60.0, 62.0, 64.5], 5.0: [70.0, 69.0, 70.5]}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Six runs: three seeds of two temperatures, with a table, a claim and two metrics each."""
    for temperature, values in AUC.items():
        for seed, auc in enumerate(values):
            run = Run(
                "trial",
                parameters={"dataset": "synthetic", "preset": "smoke", "seed": seed, "temperature": temperature},
                out_dir=tmp_path / f"temperature={temperature}/seed={seed}/trial",
            )
            frame = pd.DataFrame(
                {
                    "paper AUC": [98.4, 97.0],
                    "AUC": [auc, 2 * auc],
                    "AUC low": [auc - 1, auc],
                    "fidelity": ["R² 0.1", "–"],
                },
                index=pd.Index(["a", "b"], name="model"),
            )
            run.table("fig3", frame, caption="AUC")
            run.metric("auc", auc)
            run.metric("undefined", math.nan)
            rng = np.random.default_rng(seed)
            gain = mean_interval(rng.normal(auc - 60, 30, 40))
            run.claim(claim("luo2016", "fig3-selection-over-labels").judged(gain))
            run.finish()
    return tmp_path


@pytest.mark.slow
def test_tables_have_mean_spread_and_students_interval(folder: Path) -> None:
    groups = seed_groups(read_runs(folder))
    assert [(group.setting, [run.parameters["seed"] for run in group.runs]) for group in groups] == [
        ({"temperature": 1.0}, [0, 1, 2]),
        ({"temperature": 5.0}, [0, 1, 2]),
    ]
    for group, values in zip(groups, AUC.values(), strict=True):
        table = table_over_seeds(group, "fig3")
        assert table is not None
        assert list(table.index) == ["a", "b"]
        assert set(table.columns.get_level_values(0)) == {
            "AUC"
        }  # neither printed numbers nor texts, nor one seed's interval
        low, high = stats.t.interval(0.95, 2, np.mean(values), stats.sem(values))
        expected = [np.mean(values), np.std(values, ddof=1), low, high]
        np.testing.assert_allclose(table["AUC"].to_numpy(float)[0], expected, rtol=1e-6)
        np.testing.assert_allclose(table["AUC"].to_numpy(float)[1], 2 * np.array(expected), rtol=1e-6)
    assert table_over_seeds(groups[0], "absent") is None


@pytest.mark.slow
def test_claims_are_judged_by_their_values_over_seeds(folder: Path) -> None:
    runs = read_runs(folder)
    (verdict,) = claims_over_seeds(seed_groups(runs)[1])
    values = [run.claims[0].value for run in seed_groups(runs)[1].runs]
    low, high = stats.t.interval(0.95, 2, np.mean(values), stats.sem(values))
    assert (verdict.value, verdict.low, verdict.high) == pytest.approx((np.mean(values), low, high), rel=1e-6)
    assert verdict.verdict == ("holds" if low > 0 else "does not hold" if high < 0 else "undecided")
    assert (verdict.seeds, verdict.interval) == (3, "95 % over 3 seeds")
    assert verdict.p_value == pytest.approx(stats.ttest_1samp(values, 0).pvalue, rel=1e-6)


@pytest.mark.slow
def test_metrics_follow_a_swept_parameter(folder: Path) -> None:
    ((notebook, parameter, frame),) = swept_metrics(seed_groups(read_runs(folder)))
    assert (notebook, parameter) == ("trial", "temperature")
    assert list(frame["metric"]) == ["auc", "auc"]
    assert list(frame["temperature"]) == list(AUC)
    np.testing.assert_allclose(frame["mean"], [np.mean(values) for values in AUC.values()])


@pytest.mark.slow
def test_all_metrics_with_all_parameters_are_one_file(folder: Path) -> None:
    page = join_runs(folder)
    assert page == folder / "sweep.html"
    read = pd.read_parquet(folder / "metrics.parquet")
    pd.testing.assert_frame_equal(read, metrics_frame(read_runs(folder)))
    auc = read[read["metric"] == "auc"].set_index(["parameter.temperature", "parameter.seed"])["value"]
    assert {(t, s): auc.loc[t, s] for t in AUC for s in range(3)} == {
        (t, s): value for t, values in AUC.items() for s, value in enumerate(values)
    }
    text = page.read_text(encoding="utf-8")
    assert "62.17 ± 2.25 [56.57, 67.77]" in text
    assert "<caption><span>AUC</span></caption>" in text
    assert "smoke run: without meaning" in text
    assert "trial along temperature" in text
    made = makers(read_runs(folder))
    assert made["runs"].sum() == 6


def test_single_runs_have_no_page_over_seeds(tmp_path: Path) -> None:
    for name in ("one", "other"):
        Run(name, parameters={"dataset": "synthetic", "preset": "smoke", "seed": 0}, out_dir=tmp_path / name).finish()
    assert join_runs(tmp_path) is None
    assert not (tmp_path / "sweep.html").exists()


@pytest.mark.slow
def test_one_name_with_two_types_is_text(folder: Path) -> None:
    run = Run(
        "other",
        parameters={"dataset": "synthetic", "preset": "smoke", "seed": 0, "temperature": "1,3"},
        out_dir=folder / "another",
    )
    run.metric("m", 1)
    run.finish()
    frame = metrics_frame(read_runs(folder))
    assert set(frame["parameter.temperature"]) == {"1.0", "5.0", "1,3"}
    frame.to_parquet(io.BytesIO())
    assert set(frame["notebook"]) == {"other", "trial"}
