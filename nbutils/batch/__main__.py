"""The command `nbutils`: an interrupt while its modules load, or while it ends, leaves no traceback."""

from __future__ import annotations

import signal


def main() -> None:
    """Run the command line."""
    asked = signal.getsignal(signal.SIGINT) is signal.default_int_handler  # not ignored, as in the background
    if asked:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from nbutils.batch.cli import app

    if asked:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        app()
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)


if __name__ == "__main__":
    main()
