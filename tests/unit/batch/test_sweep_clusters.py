import re
import signal
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("distributed", reason="needs nbutils[cluster]")
if find_spec("dask_jobqueue") is None:
    pytest.skip("needs nbutils[cluster]", allow_module_level=True)

from nbutils.batch.sweeps import clusters
from nbutils.batch.sweeps.clusters import ClusterFile, connected, local_workers, make_cluster, read_cluster_file
from nbutils.batch.sweeps.fitness import fit_hosts, judge_workers, versions
from nbutils.batch.sweeps.grid import read_sweep
from nbutils.errors import NbutilsError, ParameterError
from nbutils.training import Store
from tests.support.sweeps import threads_cluster

SLURM = """\
cluster: dask_jobqueue.SLURMCluster
options:
  queue: gpu
  account: faces
  cores: 1
  job_cpu: 8
  memory: 32GB
  walltime: "04:00:00"
  job_extra_directives: ["--gres=gpu:1"]
  job_script_prologue: ["export OMP_NUM_THREADS=8"]
  worker_extra_args: ["--lifetime", "225m", "--lifetime-stagger", "10m"]
"""


def _file(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "cluster.yml"
    file.write_text(text, encoding="utf-8")
    return file


def test_a_cluster_leaves_the_handler_of_an_interrupt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "dask_jobqueue"]:
        monkeypatch.delitem(sys.modules, name)
    handler = signal.getsignal(signal.SIGINT)
    with make_cluster(read_cluster_file(_file(tmp_path, SLURM))):
        assert signal.getsignal(signal.SIGINT) is handler


def test_slurm_is_asked_for_what_the_file_says(tmp_path: Path) -> None:
    with make_cluster(read_cluster_file(_file(tmp_path, SLURM))) as cluster:
        lines = cluster.job_script().splitlines()
    assert lines[0] == "#!/usr/bin/env bash"
    directives = {line.removeprefix("#SBATCH ") for line in lines if line.startswith("#SBATCH")}
    assert directives >= {"-p gpu", "-A faces", "-n 1", "--cpus-per-task=8", "-t 04:00:00", "--gres=gpu:1"}
    assert "--mem=30G" in directives  # 32 GB in binary units, rounded up
    assert "export OMP_NUM_THREADS=8" in lines
    command = lines[-1]
    assert command.startswith(f"{sys.executable} -m distributed.cli.dask_worker tcp://")
    for option in ("--nthreads 1", "--lifetime 225m", "--lifetime-stagger 10m", "--nanny"):
        assert option in command


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("cluster: os.system\n", "cluster is 'os.system': expected a class of distributed or dask_jobqueue"),
        ("cluster: dask_jobqueue.SLRM\n", "dask_jobqueue has no such class"),
        ("cluster: dask_jobqueue.SLURMCluster\noptions: {cors: 1}\n", "cannot be made with these options"),
        ("options: {}\n", "cluster: Field required"),
        ("cluster: distributed.LocalCluster\nworker: 3\n", "worker: Extra inputs are not permitted"),
        ("[", "expected a cluster as YAML"),
    ],
)
def test_a_file_that_describes_no_cluster_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ParameterError) as refused:
        make_cluster(read_cluster_file(_file(tmp_path, text)))
    assert message in str(refused.value)


def test_a_scheduler_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clusters, "_ANSWER_S", 0.2)
    with (
        pytest.raises(ParameterError, match=r"scheduler tcp://127\.0\.0\.1:9 does not answer"),
        connected("tcp://127.0.0.1:9"),
    ):
        pass
    with pytest.raises(ParameterError, match="expected one of"), connected("tcp://127.0.0.1:9", workers=2):
        pass


def test_who_lacks_dask_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(NbutilsError, match=r"pip install 'nbutils\[cluster\]'"), connected(workers=1):
        pass


@pytest.mark.parametrize(
    ("cores", "gigabytes", "accelerators", "devices", "expected"),
    [(2, 24, 0, 1, 2), (64, 24, 0, 1, 8), (64, 512, 8, 1, 8), (64, 512, 8, 4, 2), (1, 1, 0, 1, 1)],
)
def test_a_machine_is_divided_by_what_is_scarce(
    cores: int, gigabytes: int, accelerators: int, devices: int, expected: int
) -> None:
    assert local_workers(cores, gigabytes * 10**9, accelerators, devices) == expected


def test_workers_of_a_cluster_are_asked(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    with threads_cluster() as client:
        assert fit_hosts(client, store, [str(tmp_path)]) == (None, [])
        with pytest.raises(ParameterError, match=r"no worker can do the trainings: .* does not see /absent"):
            fit_hosts(client, store, ["/absent"])
    assert not list((tmp_path / "store").iterdir())


def test_a_worker_that_dies_while_it_is_asked_is_no_other_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with threads_cluster() as client:
        ask = client.run
        lost = iter([0, 1])

        def cut_off(*given: Any, **options: Any) -> dict[str, object]:  # noqa: ANN401
            found: dict[str, object] = ask(*given, **options)
            gone = list(found)[next(lost, 2) :]  # all of them, one of them, none
            return found | dict.fromkeys(gone, OSError("closed"))

        monkeypatch.setattr(client, "run", cut_off)
        assert fit_hosts(client, Store(tmp_path / "store"), []) == (None, [])
        assert next(lost, None) is None


def test_workers_that_cannot_train_are_named_and_the_others_go_on() -> None:
    fit = {"versions": versions(), "host": "a", "lacks": []}
    found = {
        "tcp://10.0.0.1:4000": fit,
        "tcp://10.0.0.2:4001": fit | {"host": "b", "lacks": ["the store /s", "/faces"]},
    }
    assert judge_workers(found, versions()) == (
        ["10.0.0.1"],
        ["tcp://10.0.0.2:4001 on b does not see the store /s, /faces"],
    )


@pytest.mark.parametrize("what", ["Python", "nbutils", "code of nbutils", "torch"])
def test_versions_that_differ_are_named(what: str) -> None:
    facts = {"versions": versions() | {what: "1.0"}, "host": "a", "lacks": []}
    with pytest.raises(ParameterError, match=rf"versions differ .* tcp://10\.0\.0\.1:4000: {what} 1\.0, here "):
        judge_workers({"tcp://10.0.0.1:4000": facts}, versions())
    with pytest.raises(ParameterError, match=r"cannot run this version of nbutils \(No module named"):
        judge_workers(
            {"tcp://10.0.0.1:4000": ModuleNotFoundError("No module named 'nbutils.batch.sweeps'")}, versions()
        )


@pytest.mark.parametrize("name", ["slurm.yml", "pbs.yml", "ssh.yml"])
def test_the_readmes_examples_are_cluster_files(tmp_path: Path, name: str) -> None:
    readme = (Path(__file__).parents[3] / "README.md").read_text(encoding="utf-8")
    (text,) = (block for block in re.findall(r"```yaml\n(.*?)```", readme, re.DOTALL) if block.startswith(f"# {name}"))
    described = read_cluster_file(_file(tmp_path, text))
    assert described.cluster.rpartition(".")[2].startswith(("SLURM", "PBS", "SSH"))
    if name != "ssh.yml":  # which would connect
        with make_cluster(described.model_copy(update={"workers": None})) as cluster:
            assert "dask_worker" in cluster.job_script()


def test_the_readmes_study_is_a_sweep(tmp_path: Path) -> None:
    readme = (Path(__file__).parents[3] / "README.md").read_text(encoding="utf-8")
    (text,) = (block for block in re.findall(r"```yaml\n(.*?)```", readme, re.DOTALL) if "study.yml" in block)
    assert read_sweep(_file(tmp_path, text)).cells == 20


def test_a_file_may_set_the_number_of_workers() -> None:
    described = ClusterFile(
        cluster="distributed.LocalCluster",
        options={"processes": False, "threads_per_worker": 1, "dashboard_address": None, "n_workers": 0},
        workers=2,
    )
    with make_cluster(described) as cluster:
        assert len(cluster.worker_spec) == 2
