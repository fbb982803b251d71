"""Helper modules have no tests and no examples; fixtures of all tests; the signals that tests send arrive."""

import signal
from collections import Counter

import pytest

from tests.support.forks import forked_runs

__all__ = ["forked_runs"]

collect_ignore_glob = ["support/*"]

#: Markers of tests that take long, the longest first.
_LONG = ("notebook", "slow")

#: An example of a docstring cannot carry a marker; this one calls a compiler.
_SLOW_EXAMPLES = ("nbutils.evaluation.runtimes.runtime_calls",)

#: What runs in the background may have been started with these ignored, and its children inherit that.
for _name, _handler in (("SIGINT", signal.default_int_handler), ("SIGHUP", signal.SIG_DFL)):
    if hasattr(signal, _name) and signal.getsignal(getattr(signal, _name)) is signal.SIG_IGN:
        signal.signal(getattr(signal, _name), _handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with the most notebooks come first, then those with the most slow tests: dealt to several processes as
    whole files, the short ones are left for the end, where they keep no process waiting for long."""
    for item in items:
        if item.name in _SLOW_EXAMPLES:
            item.add_marker("slow")
    counts = {marker: Counter(item.path for item in items if item.get_closest_marker(marker)) for marker in _LONG}
    items.sort(key=lambda item: [-counts[marker][item.path] for marker in _LONG])
