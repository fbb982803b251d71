"""Keys follow the code that is used: every file of the package is mutated in turn, on a copy."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from nbutils.training.digest import IMMATERIAL

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, set[str]]]:
    """For each of some trainings: the modules that change its key, those that it calls, those that it imports."""
    copy = tmp_path_factory.mktemp("mutations") / "copy"
    copy.mkdir()
    for name in ("nbutils", "data_manifests"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", copy)
    (copy / "notebooks").mkdir()  # without which it is no checkout
    script = ROOT / "tests" / "support" / "key_mutations.py"
    done = subprocess.run(
        [sys.executable, "-P", str(script), str(copy)],
        env=os.environ | {"PYTHONPATH": str(copy)},
        capture_output=True,
        text=True,
        timeout=1200,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    report = json.loads(done.stdout)
    specs = {name: {kind: set(modules) for kind, modules in spec.items()} for name, spec in report["specs"].items()}
    files, changed = len(report["modules"]), {name: len(spec["changed"]) for name, spec in specs.items()}
    print(f"\n{files} files mutated; keys that changed: {changed}")
    assert files == len(list((copy / "nbutils").rglob("*.py")))
    return specs


def test_no_key_should_have_changed_and_did_not(found: dict[str, dict[str, set[str]]]) -> None:
    missed = {name: sorted(spec["called"] - spec["changed"]) for name, spec in found.items()}
    assert not any(missed.values()), missed


def test_no_key_changes_in_vain(found: dict[str, dict[str, set[str]]]) -> None:
    in_vain = {name: sorted(spec["changed"] - (spec["imported"] - IMMATERIAL)) for name, spec in found.items()}
    assert not any(in_vain.values()), in_vain


def test_keys_change_for_what_a_reader_would_expect(found: dict[str, dict[str, set[str]]]) -> None:
    engine = {f"nbutils.training.{name}" for name in ("engine", "trainer", "sampling", "checkpoint", "devices", "spec")}
    always = engine | {"nbutils.losses.objective", "nbutils.models.base", "nbutils.data.batches"}
    for spec in found.values():
        assert always <= spec["changed"]
    everyone = set.union(*(spec["changed"] for spec in found.values()))
    packages = {module.split(".")[1] for module in everyone}
    assert packages == {"data", "gpu", "models", "losses", "selection", "training"}

    def specs_that(module: str) -> set[str]:
        return {name for name, spec in found.items() if f"nbutils.{module}" in spec["changed"]}

    assert specs_that("losses.triplet") == specs_that("models.resnet") == {"triplets from a start"}
    assert specs_that("models.deepid2plus") == {"teacher", "soft targets, online", "selected neurons, cached"}
    assert specs_that("losses.soft_targets") == {"soft targets, online"}
    assert specs_that("losses.neuron_regression") == {"selected neurons, cached", "a function's neurons"}
    assert specs_that("training.given_teachers") == {"a function's neurons"}
    assert specs_that("selection.mean_field_inference") == {"selected neurons, cached"}
    assert specs_that("training.target_cache") == {"selected neurons, cached"}
    assert specs_that("training.initialise") == {"triplets from a start"}
    assert specs_that("data.layouts.lfw") == specs_that("data.decode") == {"a folder"}
    assert specs_that("data.sources.digits") == {"digits"}
    assert specs_that("data.synthetic.render") == found.keys() - {"digits", "a folder"}
    for elsewhere in ("data.upkeep.fetch", "data.layouts.celeba", "losses.hidden_layers", "selection.stability"):
        assert specs_that(elsewhere) == set()
