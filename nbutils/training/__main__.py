"""Trains one spec, on as many devices as torchrun starts processes for.

    torchrun --nproc-per-node 8 -m nbutils.training spec.json

`spec.json` holds `TrainingSpec.model_dump_json()`. The result is in the store, where every notebook finds it.
"""

from __future__ import annotations

import signal
import sys
from pathlib import Path

from nbutils.errors import NbutilsError, ParameterError


def main(arguments: list[str]) -> None:
    """Trains the spec in the file that `arguments` names.

    Raises:
        ParameterError: If it is not one file, or the file holds no spec.
    """
    if len(arguments) != 1:
        raise ParameterError(f"expected one file with a training spec, got {len(arguments)} arguments")
    raising = signal.signal(signal.SIGINT, signal.SIG_DFL)  # an import cannot be interrupted by an exception
    try:
        from nbutils.training.devices import is_rank_zero, leave_process_group
        from nbutils.training.spec_file import read_spec
        from nbutils.training.trainer import train

        spec = read_spec(Path(arguments[0]))
    finally:
        signal.signal(signal.SIGINT, raising)
    result = train(spec)
    if is_rank_zero():
        print(f"'{spec.name}' {'trained' if result.trained_now else 'found'}: {result.folder}")
    leave_process_group()


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except (NbutilsError, FloatingPointError) as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("interrupted: the same command goes on from the last finished epoch", file=sys.stderr)
        sys.exit(130)
