"""What the attacks on the store and on batch runs share."""

from collections import Counter
from collections.abc import Iterator

import pytest


@pytest.fixture(scope="module")
def counts(request: pytest.FixtureRequest) -> Iterator[Counter[str]]:
    """How often each attack was made; printed in the end."""
    found: Counter[str] = Counter()
    yield found
    with request.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
        print("\n\n" + "\n".join(f"{name:<72}{count:>7,}" for name, count in found.items()))
