import random
from pathlib import Path

import pytest

from nbutils.batch.planned_trainings import notebook_trainings
from nbutils.batch.sweeps.grid import Sweep, sweep_runs
from nbutils.batch.sweeps.run_graph import sweep_graph
from nbutils.batch.sweeps.simulation import critical_path, longest_rest, simulate
from nbutils.errors import ParameterError
from nbutils.papers.base import PRECISION_VARIABLE, best_precision
from nbutils.paths import notebooks_dir
from nbutils.training import distinct_networks
from nbutils.training.plan import content_of


@pytest.mark.slow
def test_every_distinct_network_is_there_once_after_what_it_needs() -> None:
    sweep = Sweep(
        notebooks=("luo2016/01", "luo2016/05"),
        seeds=(0, 1),
        parameters={"preset": "smoke"},
    )
    runs = sweep_runs(sweep, notebooks_dir(), Path.cwd())
    graph = sweep_graph(runs)
    behind = [distinct_networks(notebook_trainings(run.name, run.parameters)[0]) for run in runs]
    assert list(map(set, graph.wanted)) == list(map(set, behind))
    assert graph.specs.keys() == set().union(*behind)
    assert graph.asked == sum(map(len, behind)) > len(graph.specs)  # both notebooks read T1
    places = {key: place for place, key in enumerate(graph.specs)}
    for key, spec in graph.specs.items():
        assert set(graph.after[key]) == {before.key for before in spec.predecessors}
        assert all(places[before] < places[key] for before in graph.after[key])
    assert sum(graph.widths) == len(graph.specs)
    assert graph.widths[0] == sum(not spec.predecessors for spec in graph.specs.values())


def test_a_plan_tells_trainings_apart_without_their_data() -> None:
    sweep = Sweep(notebooks=("luo2016/05",), parameters={"preset": "smoke"}, over={"targets": ["online", "cached"]})
    runs = sweep_runs(sweep, notebooks_dir(), Path.cwd())
    by_key, by_content = sweep_graph(runs), sweep_graph(runs, key=content_of)
    assert [content_of(spec) for spec in by_key.specs.values()] == list(by_content.specs)
    assert by_key.widths == by_content.widths


def _random_graph(rng: random.Random) -> tuple[dict[str, float], dict[str, tuple[str, ...]]]:
    names = [str(number) for number in range(rng.randrange(1, 60))]
    seconds = {name: rng.choice([0.5, 1.0, 7.0]) for name in names}
    after = {name: tuple(rng.sample(names[:place], min(place, rng.randrange(3)))) for place, name in enumerate(names)}
    return seconds, after


def test_a_simulation_keeps_to_grahams_bounds() -> None:
    rng = random.Random(0)
    for _ in range(200):
        seconds, after = _random_graph(rng)
        longest, total = critical_path(seconds, after), sum(seconds.values())
        assert max(longest_rest(seconds, after).values()) == pytest.approx(longest)
        assert simulate(seconds, after, 1).seconds == pytest.approx(total)
        assert 0 <= simulate(seconds, after, 1).idle < 1e-9
        assert simulate(seconds, after, len(seconds)).seconds == pytest.approx(longest)
        workers = rng.randrange(1, 9)
        found = simulate(seconds, after, workers)
        assert max(longest, total / workers) - 1e-9 <= found.seconds <= longest + total / workers + 1e-9
        assert found.idle == pytest.approx(1 - total / (workers * found.seconds))


def test_the_longest_chain_goes_first() -> None:
    seconds, after = {"short": 1, "T": 1, "S": 3}, {"short": (), "T": (), "S": ("T",)}
    assert simulate(seconds, after, 1).seconds == 5
    assert simulate(seconds | {"other": 3}, after | {"other": ()}, 2).seconds == 4


def test_the_arithmetic_is_what_the_sweep_says(monkeypatch: pytest.MonkeyPatch) -> None:
    sweep = Sweep(notebooks=("luo2016/05",), parameters={"preset": "smoke"})
    keys = []
    for precision in ("32-true", "bf16-mixed"):
        monkeypatch.setenv(PRECISION_VARIABLE, precision)
        graph = sweep_graph(sweep_runs(sweep, notebooks_dir(), Path.cwd()))
        assert {spec.precision for spec in graph.specs.values()} == {precision}
        keys.append(set(graph.specs))
    assert not keys[0] & keys[1]
    monkeypatch.setenv(PRECISION_VARIABLE, "16")
    with pytest.raises(ParameterError, match=r"NBUTILS_PRECISION is '16': expected 32-true or bf16-mixed"):
        best_precision()
