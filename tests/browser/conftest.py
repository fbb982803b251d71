"""A browser for tests that use pages as people do; where there is none they are skipped, and say so."""

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

#: Playwright brings a browser only by a download of its own: the machine's serves as well.
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_OPTIONS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-sync")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, for the tests of one file: as long as it is open, no other test can run an event loop."""
    found = next(filter(None, map(shutil.which, _NAMES)), None)
    if found is None:
        pytest.skip(f"no browser on PATH, expected one of {', '.join(_NAMES)}")
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=found, args=_OPTIONS)
