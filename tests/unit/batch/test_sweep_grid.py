from pathlib import Path

import pytest

from nbutils.batch.sweeps.grid import Sweep, parse_axis, parse_seeds, read_sweep, sweep_runs
from nbutils.errors import ParameterError
from tests.unit.batch.conftest import Make


def test_runs_are_notebooks_by_cells_by_seeds(make_notebook: Make, tmp_path: Path) -> None:
    folder = make_notebook("a", "1").parent
    make_notebook("sub/b", "1")
    sweep = Sweep(
        notebooks=("a", "sub/b"),
        seeds=(3, 4),
        parameters={"preset": "smoke"},
        over={"rate": [0.1, 1], "quick": [True, False]},
    )
    runs = sweep_runs(sweep, folder, tmp_path)
    assert len(runs) == 2 * sweep.cells == 2 * 2 * 2 * 2
    assert len({run.place for run in runs}) == len(runs)
    settings = {(run.name, run.given["rate"], run.given["quick"], run.given["seed"]) for run in runs}
    assert settings == {(n, r, q, s) for n in ("a", "sub/b") for r in (0.1, 1.0) for q in (True, False) for s in (3, 4)}
    assert runs[0].place == "rate=0.1/quick=True/seed=3/a"
    assert runs[0].parameters == {
        "dataset": "synthetic",
        "data_root": "",
        "preset": "smoke",
        "seed": 3,
        "rate": 0.1,
        "quick": True,
        "out_dir": "",
    }


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"over": {"rat": [1]}}, "a has no parameter rat: did you mean rate?"),
        ({"over": {"rate": ["fast"]}}, "a: parameter rate is 'fast', expected a float"),
        ({"over": {"rate": ["0.1", "0.10"]}}, "a: rate=0.1 and rate=0.10 are the same run"),
        ({"over": {"rate": ["0.1", "0.1"]}}, "parameter rate is swept over 0.1 twice"),
        ({"over": {"preset": ["huge"]}}, "a: parameter preset is 'huge', expected smoke or laptop or paper"),
        ({"over": {"seed": [1, 2]}}, "parameter seed is set by --seeds"),
        ({"over": {"out_dir": ["x"]}}, "parameter out_dir is set by --out"),
        ({"over": {"rate": [1]}, "parameters": {"rate": 2}}, "parameter rate is both fixed and swept"),
        ({"seeds": (1, 1)}, "seeds names 1 twice"),
        ({"seeds": ()}, "seeds is empty"),
        ({"notebooks": ("b",)}, "no notebook 'b'"),
    ],
)
def test_a_grid_that_cannot_be_is_refused(
    make_notebook: Make, tmp_path: Path, changed: dict[str, object], message: str
) -> None:
    folder = make_notebook("a", "1").parent
    sweep = Sweep.model_validate({"notebooks": ("a",), "seeds": (0,)} | changed)
    with pytest.raises(ParameterError) as refused:
        sweep_runs(sweep, folder, tmp_path)
    assert message in str(refused.value)


def test_a_file_says_the_same_as_a_command_line(tmp_path: Path) -> None:
    file = tmp_path / "sweep.yml"
    file.write_text(
        "notebooks: [luo2016/05, wang2017/01]\nseeds: 0-2\nparameters: {preset: smoke, quick: true}\n"
        "over: {temperature: [1, 5.5]}\nprecision: bf16-mixed\n",
        encoding="utf-8",
    )
    assert read_sweep(file) == Sweep(
        notebooks=("luo2016/05", "wang2017/01"),
        seeds=parse_seeds("0,1-2"),
        parameters={"preset": "smoke", "quick": "true"},
        over=dict([parse_axis("temperature=1,5.5")]),
        precision="bf16-mixed",
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("notebooks: [a]\nseed: 3\n", "seed: Extra inputs are not permitted"),
        ("notebooks: []\n", "notebooks: Tuple should have at least 1 item"),
        ("notebooks: [a]\nseeds: 3-x\n", "seeds is '3-x': expected numbers and ranges"),
        ("notebooks: [a]\nover: {rate: []}\n", "over.rate: Value should have at least 1 item"),
        ("notebooks: [a]\nprecision: 16\n", "precision: Input should be '32-true' or 'bf16-mixed'"),
        ("[", "expected a sweep as YAML"),
    ],
)
def test_a_file_that_is_no_sweep_is_refused(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "sweep.yml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ParameterError) as refused:
        read_sweep(file)
    assert message in str(refused.value)


@pytest.mark.parametrize("text", ["", "a", "1-", "-1", "1,,2", "0x1", "1.5"])
def test_seeds_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(ParameterError, match="seeds"):
        parse_seeds(text)
