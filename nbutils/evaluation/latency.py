"""How long a network takes for one image, and how much faster another one is."""

from __future__ import annotations

import copy
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from torch import Tensor, nn

from nbutils.errors import ParameterError
from nbutils.evaluation.interval import Interval

logger = logging.getLogger(__name__)

#: A round's calls of one network last about so long, so that the clock's own cost and jitter are small beside them.
_ROUND_S = 0.02
#: Calls before the measurement, in which libraries choose kernels and pages are first touched.
_WARM_UP = 5


@dataclass(frozen=True, eq=False)
class Latencies:
    """Seconds a call, (rounds,) for each name; in a round all were measured one after the other."""

    seconds: dict[str, npt.NDArray[np.float64]]

    def table(self) -> pd.DataFrame:
        """Milliseconds by name: the median over rounds, the quartiles, and what 95 % of the rounds stay below."""
        levels = [0.5, 0.25, 0.75, 0.95]
        quantiles = {name: 1e3 * np.quantile(values, levels) for name, values in self.seconds.items()}
        columns = ["ms", "ms, 25 %", "ms, 75 %", "ms, 95 %"]
        return pd.DataFrame.from_dict(quantiles, orient="index", columns=columns)

    def fastest(self) -> str:
        """The name with the lowest median.

        Example:
            >>> import numpy as np
            >>> from nbutils.evaluation import Latencies
            >>> Latencies({"float32": np.array([2.0, 2.0, 9.0]), "int8": np.array([3.0, 3.0, 3.0])}).fastest()
            'float32'
        """
        return min(self.seconds, key=lambda name: float(np.median(self.seconds[name])))

    def speedup(self, slow: str, fast: str, *, samples: int = 2000, level: float = 0.95) -> Interval:
        """How many times as fast `fast` is as `slow`: the ratio of their medians, with its bootstrap over rounds.

        Both are drawn together round by round, so that what slowed the whole machine cancels.
        """
        a, b = self.seconds[slow], self.seconds[fast]
        drawn = np.random.default_rng(0).integers(len(a), size=(samples, len(a)))
        ratios = np.median(a[drawn], axis=1) / np.median(b[drawn], axis=1)
        low, high = np.quantile(ratios, [(1 - level) / 2, (1 + level) / 2])
        over = f"{len(a)} rounds (bootstrap)"

        def curve(reference: float) -> float:
            beyond = 2 * min((ratios <= reference).mean(), (ratios >= reference).mean())
            return float(min(1.0, max(beyond, 1 / samples)))

        return Interval(float(np.median(a) / np.median(b)), float(low), float(high), level, over, curve=curve)


def alternating_latencies(
    calls: Mapping[str, Callable[[], object]], rounds: int = 30, *, threads: int = 1
) -> Latencies:
    """Times calls in turns, so that other load on the machine affects all of them alike.

    Args:
        calls: What to time, by name; each does its work once a call. What is no torch code must keep to the threads
            by itself.
        rounds: Turns, each of them one measurement of every call.
        threads: Of torch.

    Raises:
        ParameterError: If there is no call, or fewer than two rounds.

    Example:
        >>> from nbutils.evaluation import alternating_latencies
        >>> times = alternating_latencies({"short": lambda: sum(range(10)), "long": lambda: sum(range(1000))}, rounds=3)
        >>> {name: seconds.shape for name, seconds in times.seconds.items()}
        {'short': (3,), 'long': (3,)}
    """
    if not calls or rounds < 2:
        raise ParameterError(f"{len(calls)} calls in {rounds} rounds: expected at least one call and two rounds")
    with torch_threads(threads), torch.inference_mode():
        repeats = {name: _repeats(call) for name, call in calls.items()}
        seconds = {name: np.empty(rounds) for name in calls}
        for turn in range(rounds):
            for name, call in calls.items():
                start = time.perf_counter()
                for _ in range(repeats[name]):
                    call()
                seconds[name][turn] = (time.perf_counter() - start) / repeats[name]
    return Latencies(seconds)


def execution_modes(network: nn.Module, image: Tensor, *, compiled: bool = True) -> dict[str, Callable[[], object]]:
    """Calls of one network on one image in PyTorch: eager, channels-last and, where there is a compiler, compiled.

    Args:
        network: Any; it is copied.
        image: (1, 3, H, W).
        compiled: Whether to compile too, which takes up to minutes at the first call.

    Example:
        >>> import torch
        >>> from nbutils.evaluation import execution_modes
        >>> modes = execution_modes(torch.nn.Conv2d(3, 4, 3), torch.zeros(1, 3, 8, 8), compiled=False)
        >>> {name: tuple(call().shape) for name, call in modes.items()}
        {'eager': (1, 4, 6, 6), 'channels-last': (1, 4, 6, 6)}
    """
    last = copy.deepcopy(network).to(memory_format=torch.channels_last)
    as_last = image.contiguous(memory_format=torch.channels_last)
    modes: dict[str, Callable[[], object]] = {"eager": lambda: network(image), "channels-last": lambda: last(as_last)}
    if compiled:
        # PyTorch with CUDA warns on a machine without; nothing here asks for it.
        logging.getLogger("torch.utils.cpp_extension").setLevel(logging.ERROR)
        fast = torch.compile(copy.deepcopy(network))
        try:
            with torch_threads(1), torch.inference_mode():
                fast(image)
        except Exception as error:  # the compiler's exceptions have no common base that is public
            logger.warning("left out what torch.compile cannot do here: %s", str(error).splitlines()[0])
        else:
            modes["compiled"] = lambda: fast(image)
    return modes


@contextmanager
def torch_threads(count: int) -> Iterator[None]:
    """Lets torch use so many threads; one is what a phone's app would be granted."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _repeats(call: Callable[[], object]) -> int:
    for _ in range(_WARM_UP):
        call()
    start = time.perf_counter()
    call()
    return max(1, round(_ROUND_S / max(time.perf_counter() - start, 1e-6)))
