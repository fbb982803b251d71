"""Helper modules have no tests and no examples; fixtures of all tests; the signals that tests send arrive."""

import signal

from tests.support.forks import forked_runs

__all__ = ["forked_runs"]

collect_ignore_glob = ["support/*"]

#: What runs in the background may have been started with these ignored, and its children inherit that.
for _name, _handler in (("SIGINT", signal.default_int_handler), ("SIGHUP", signal.SIG_DFL)):
    if hasattr(signal, _name) and signal.getsignal(getattr(signal, _name)) is signal.SIG_IGN:
        signal.signal(getattr(signal, _name), _handler)
