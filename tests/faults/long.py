"""The short form of a test, which every run has, and the long one, for `pytest -m faults_full`."""

from __future__ import annotations

import pytest

QUICK = pytest.param(False, id="quick")
LONG = [pytest.mark.faults_full, pytest.mark.timeout(3_600)]
FULL = pytest.param(True, id="full", marks=LONG)
