"""What runs outside a clone: all that the program reads of its own is in the wheel; settings exist."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from watchkeeper.settings import Settings

ROOT = Path(__file__).parent.parent.parent
DATA = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]
# Read by tests and by people alone.
_ASIDE = {"lock.json", "README.md"}


@pytest.mark.parametrize("package", ["core", "connectors", "prompts", "watchkeeper"])
def test_every_file_that_is_no_module_is_in_the_wheel(package: str) -> None:
    packed = {path for pattern in DATA[package] for path in (ROOT / package).glob(pattern)}
    there = {
        path
        for path in (ROOT / package).rglob("*")
        if path.is_file() and path.suffix not in (".py", ".pyc") and path.name not in _ASIDE
    }
    assert there, package
    assert there <= packed, sorted(there - packed)


def test_what_is_deployed_is_set_by_settings_that_exist() -> None:
    known = {f"WATCHKEEPER_{name.upper()}" for name in Settings.model_fields}
    for path in (ROOT / "Dockerfile", ROOT / "docs" / "deploying.md"):
        named = set(re.findall(r"WATCHKEEPER_[A-Z_]+", path.read_text()))
        assert named, path
        assert named <= known, path
