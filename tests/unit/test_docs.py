"""Docs checked against code: settings, commands, rules, addresses are documented, links lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer

from core.model.catalogue import Service, parse_catalogue
from core.rules.schema import RULES
from watchkeeper.cli.main import app
from watchkeeper.http.intake import ALIASES
from watchkeeper.settings import Settings

ROOT = Path(__file__).parent.parent.parent
OPERATING = (ROOT / "docs" / "operating.md").read_text()
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


def test_every_setting_is_documented() -> None:
    for name in Settings.model_fields:
        assert f"`WATCHKEEPER_{name.upper()}`" in OPERATING
    documented = set(re.findall(r"`WATCHKEEPER_(\w+)`", OPERATING))
    assert documented == {name.upper() for name in Settings.model_fields}


def test_every_command_is_documented() -> None:
    group = typer.main.get_command(app)
    for name, command in group.commands.items():  # type: ignore[attr-defined]
        for words in (f"{name} {sub}" for sub in getattr(command, "commands", {None: None}) or [None]):
            assert words.removesuffix(" None") in OPERATING


def test_every_rule_and_parameter_is_documented() -> None:
    text = (ROOT / "docs" / "rules.md").read_text()
    for name in RULES:
        assert f"| `{name}` |" in text
    for name in ("same-entity", "dependency-edge", "recent-change", "lifecycle", "notify"):
        for field in set(RULES[name].model_fields) - {"rule", "summary"}:
            assert f"`{field}`" in text, (name, field)


def test_every_catalogue_key_is_documented_and_the_example_parses() -> None:
    text = (ROOT / "docs" / "catalogue.md").read_text()
    for name in Service.model_fields:
        assert f"`{name}`" in text
    [example] = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    assert parse_catalogue(example).services


def test_intake_addresses_are_documented() -> None:
    for path in ALIASES:
        assert f"POST {path}`" in OPERATING


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text()):
        assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_tests_that_are_named_exist(page: Path) -> None:
    for path in re.findall(r"\btests/[\w/]+\.py", page.read_text()):
        assert (ROOT / path).exists(), path


def test_every_module_of_core_has_a_place_in_the_house() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text()
    for path in sorted((ROOT / "core").iterdir()):
        if not path.name.startswith("__"):
            assert (f"`{path.name}`" if path.suffix else f"`{path.name}/`") in page, path.name


def test_functions_of_tests_that_are_named_exist() -> None:
    for page in PAGES:
        for path, name in re.findall(r"\b(tests/[\w/]+\.py)::(\w+)", page.read_text()):
            assert f"def {name}(" in (ROOT / path).read_text(), name
