"""Where the real LFW lies, and the marks of tests that need it."""

import os
from pathlib import Path

import pytest

ROOT = Path(os.environ.get("NBUTILS_TEST_LFW") or Path(__file__).parents[2].parent / "shared" / "lfw")


def needs_lfw(*lists: str) -> list[pytest.MarkDecorator]:
    """Marks of a module that reads these lists; it is skipped, with the reason, where one is missing."""
    return [
        pytest.mark.real_data,
        pytest.mark.skipif(
            not all((ROOT / name).is_file() for name in lists),
            reason=f"no real LFW in {ROOT} ({', '.join(lists)}); name its folder in NBUTILS_TEST_LFW",
        ),
    ]
