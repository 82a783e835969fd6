"""Every test runs with the network shut but for loopback, and with language models shut.

The mark `real_model` opens the second door for a test, `WATCHKEEPER_TEST_MODEL_CALLS=allowed` for a run by
hand; the first stays shut, so that only models on loopback can answer.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.guards import refuse_model_calls, refuse_network

settings.register_profile(
    "ci", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.register_profile("long", settings.get_profile("ci"), max_examples=1_000, derandomize=False)
settings.load_profile(os.environ.get("WATCHKEEPER_TEST_PROFILE", "ci"))

CASES = Path(__file__).parent.parent / "evals" / "cases"


@pytest.fixture(autouse=True)
def _doors_shut(request: pytest.FixtureRequest) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        refuse_network(patch)
        allowed = os.environ.get("WATCHKEEPER_TEST_MODEL_CALLS") == "allowed"
        if not allowed and request.node.get_closest_marker("real_model") is None:
            refuse_model_calls(patch)
        yield


@pytest.fixture(
    scope="session", params=sorted(path.name for path in CASES.iterdir() if (path / "events.jsonl").exists())
)
def case(request: pytest.FixtureRequest) -> Path:
    """Each recorded case in turn."""
    return CASES / str(request.param)
