"""Helper modules have no tests and no examples; fixtures of all tests."""

from tests.support.forks import forked_runs

__all__ = ["forked_runs"]

collect_ignore_glob = ["support/*"]
