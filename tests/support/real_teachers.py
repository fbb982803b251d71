"""Where real teachers lie as ONNX files, and the mark of tests that need them."""

import os
from pathlib import Path

import pytest

TEACHERS = Path(os.environ.get("NBUTILS_TEST_TEACHERS") or Path(__file__).parents[2].parent / "shared" / "teachers")


def needs_teacher(name: str) -> pytest.MarkDecorator:
    """Mark of a module that reads this file; it is skipped, with the reason, where the file is missing."""
    return pytest.mark.skipif(
        not (TEACHERS / name).is_file(),
        reason=f"no real teacher {name} in {TEACHERS}; name its folder in NBUTILS_TEST_TEACHERS",
    )
