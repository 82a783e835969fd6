"""Docs checked against code: settings, commands, rules, addresses are documented, links lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer

from core.model.catalogue import Service, parse_catalogue
from core.rules.dropped import dropped_advice
from core.rules.loader import parse_rules, rule_problems
from core.rules.schema import RULES
from watchkeeper.cli.main import app
from watchkeeper.files import builtin_rules
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
        [row] = re.findall(rf"^\| `{name}` \|.*$", text, re.MULTILINE)
        for field, info in RULES[name].model_fields.items():
            said = f"`{info.alias or field}`" in row
            assert said or field in ("rule", "summary"), (name, field)


def test_whole_rule_files_in_the_docs_are_well_formed_and_lose_nothing_of_the_built_in_ones() -> None:
    base, seen = builtin_rules(), 0
    for page in PAGES:
        for text in re.findall(r"```yaml\n(rule: .*?)```", page.read_text(), re.DOTALL):
            if page.name == "backtest.md":
                # It takes away on purpose, to see what that would have done.
                continue
            own = {page.name: text}
            assert not rule_problems(base, own), page.name
            assert list(dropped_advice(parse_rules(base), own)) == [], page.name
            seen += 1
    assert seen == 4


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
