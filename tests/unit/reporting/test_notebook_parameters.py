from pathlib import Path

import pytest

from nbutils.errors import ParameterError
from nbutils.reporting import Run
from nbutils.reporting.notebook_parameters import notebook_parameters

CELL = (
    'preset = "smoke"  # smoke | laptop\ndataset = "digits"  # which\nlam = -0.5  # a weight\nout_dir = ""  # where to'
)


def test_parameters_have_the_values_that_they_have_now() -> None:
    injected = '# Parameters\nlam = 0.25\nout_dir = "there"'
    cells = ["", CELL, injected, "half = 3", "%matplotlib inline", "import os\nout_dir = os.curdir"]
    names = {"preset": "smoke", "dataset": "digits", "lam": 0.25, "out_dir": "there", "half": 3}
    assert notebook_parameters({"In": cells, **names}) == {name: names[name] for name in names if name != "half"}


@pytest.mark.parametrize("namespace", [{}, {"In": [""]}, {"In": ["preset = 1"]}, {"In": ["out_dir = print()"]}])
def test_without_a_cell_of_parameters_it_says_what_was_expected(namespace: dict[str, object]) -> None:
    with pytest.raises(ParameterError, match="after the cell that sets out_dir"):
        notebook_parameters(namespace)


def test_a_run_starts_with_them(tmp_path: Path) -> None:
    out = str(tmp_path / "run")
    namespace = {"In": [CELL], "preset": "smoke", "dataset": "digits", "lam": -0.5, "out_dir": out, "half": 3}

    run = Run.start("mine/trial", namespace)

    assert run.parameters == {"preset": "smoke", "dataset": "digits", "lam": -0.5}
    run.finish()
    assert Path(out, "metrics.json").is_file()
