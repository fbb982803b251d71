import numpy as np
import pytest
import torch
from torch import nn

from nbutils.errors import ParameterError
from nbutils.evaluation import Latencies, alternating_latencies, execution_modes, multiply_adds, weight_bytes
from nbutils.models import DeepID2Plus, Deployed, LocallyConnected2d, MobileIDStudent


def test_calls_take_turns_on_one_thread() -> None:
    order: list[str] = []
    threads: set[int] = set()

    def call(name: str) -> None:
        order.append(name)
        threads.add(torch.get_num_threads())
        assert torch.is_inference_mode_enabled()

    before = torch.get_num_threads()
    latencies = alternating_latencies({"a": lambda: call("a"), "b": lambda: call("b")}, rounds=3)
    changes = [name for name, last in zip(order, ["", *order], strict=False) if name != last]
    assert changes == ["a", "b"] * 4  # the warm-up, then three rounds
    assert threads == {1}
    assert torch.get_num_threads() == before
    assert all((values > 0).all() and values.shape == (3,) for values in latencies.seconds.values())


def test_speedup_is_the_ratio_of_medians_and_drift_of_the_machine_cancels() -> None:
    drift = np.linspace(1, 9, 41)
    latencies = Latencies({"slow": 6 * drift, "fast": 2 * drift})
    ratio = latencies.speedup("slow", "fast")
    assert (ratio.estimate, ratio.low, ratio.high) == pytest.approx((3, 3, 3))
    assert latencies.table().loc["slow", "ms"] == pytest.approx(6 * 5 * 1e3)


def test_too_little_to_time() -> None:
    with pytest.raises(ParameterError, match="0 calls in 5 rounds"):
        alternating_latencies({}, rounds=5)
    with pytest.raises(ParameterError, match="expected at least one call and two rounds"):
        alternating_latencies({"a": lambda: None}, rounds=1)


def test_all_ways_give_the_same() -> None:
    network, image = Deployed([MobileIDStudent(5, width=4)], "output"), torch.rand(1, 3, 55, 47)
    modes = execution_modes(network, image, compiled=False)
    assert list(modes) == ["eager", "channels-last"]
    eager, last = (call() for call in modes.values())
    assert isinstance(eager, torch.Tensor)
    torch.testing.assert_close(eager, last)


def test_multiply_adds_in_closed_form() -> None:
    convolution = nn.Conv2d(3, 5, (2, 4))
    assert multiply_adds(convolution, torch.zeros(1, 3, 10, 9)) == 9 * 6 * 5 * 3 * 2 * 4
    local = LocallyConnected2d(3, 5, (4, 6), 2)
    assert multiply_adds(local, torch.zeros(1, 3, 4, 6)) == 3 * 5 * 5 * 3 * 2 * 2
    assert multiply_adds(nn.Sequential(nn.Flatten(), nn.Linear(24, 7)), torch.zeros(1, 4, 6)) == 24 * 7


def test_a_deployed_network_leaves_out_what_only_training_needs() -> None:
    torch.manual_seed(0)
    networks, images = [DeepID2Plus(1000, width=4).eval() for _ in range(2)], torch.rand(2, 3, 55, 47)
    ensemble = Deployed(networks)
    with torch.inference_mode():
        wanted = torch.cat([network(images).features for network in networks], dim=1)
        torch.testing.assert_close(ensemble(images), wanted)
    one = weight_bytes(Deployed(networks[:1]))
    assert weight_bytes(ensemble) == 2 * one
    assert one == 4 * sum(p.numel() for n, p in networks[0].named_parameters() if n.startswith("group"))
    assert networks[0](images).output.shape == (2, 1000)
