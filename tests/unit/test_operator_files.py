"""Catalogues, rules and event files with mistakes in them: one message with place and mend."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.errors import CatalogueError, EventLineError, RuleError
from core.journal import Record, line_to_record, record_to_line
from core.model.catalogue import parse_catalogue, unlisted_dependencies
from core.model.entity import Entity
from core.rules.loader import overlay, parse_rules
from watchkeeper.files import builtin_rules


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("services: [", "line 1"),
        ("services:\n  - name: a\n    depends_on: b\n", "services.1.depends_on"),
        ("services:\n  - nam: a\n", "services.1.nam"),
        ("services:\n  - {name: a}\n  - {name: a}\n", "listed twice"),
        ("services:\n  - {name: a, aliases: [b]}\n  - {name: b}\n", "already names another"),
        ("services:\n  - {name: 7}\n", "services.1.name"),
        ("services:\n  - {name: a, tier: first}\n", "services.1.tier"),
        ("services:\n  - {name: a, name: b}\n", "is there twice"),
        ("a: &x [1]\nb: *x\n", "aliases"),
        ("just text", "not a map"),
        ("", "not a map"),
        ('services:\n  - {name: "a\\nb"}\n', "control characters"),
        ("[" * 5_000, "not valid YAML"),
    ],
)
def test_a_bad_catalogue_says_where(text: str, says: str) -> None:
    with pytest.raises(CatalogueError) as caught:
        parse_catalogue(text, "shop.yaml")
    assert says in str(caught.value)
    assert "shop.yaml" in str(caught.value)
    assert caught.value.mend


def test_an_entry_stands_for_its_environment_and_cluster() -> None:
    catalogue = parse_catalogue(
        "services:\n"
        "  - {name: a, depends_on: [b]}\n"
        "  - {name: a, environment: staging, depends_on: [c]}\n"
        "  - {name: b, cluster: eu}\n"
    )
    assert catalogue.calls(Entity("d", "production", "eu", "a")) == ("b",)
    assert catalogue.calls(Entity("d", "staging", "eu", "a")) == ("b", "c")
    assert catalogue.callers(Entity("d", "staging", "", "c")) == ("a",)
    assert catalogue.entity("d", "b", "", "").cluster == "eu"
    assert catalogue.entity("d", "a", "", "").environment == ""
    assert unlisted_dependencies(catalogue) == {"a": ("c",)}


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("own.yaml", "rule: same-entty\n", "unknown rule 'same-entty'"),
        (
            "own.yaml",
            "rule: same-entity\nsummary: s\nwindow: 5\nsame_alert_window: 1h\n",
            "window: write a duration",
        ),
        ("own.yaml", "rule: same-entity\nsummary: s\nwindow: 0s\nsame_alert_window: 1h\n", "window"),
        ("own.yaml", "rule: same-entity\nsummary: s\nwindow: 15m\n", "same_alert_window"),
        ("own.yaml", "rule: same-entity\nsummary: s\nwindow: 1m\nsame_alert_window: 1h\n", "not be below"),
        ("own.yaml", "- a list", "unknown rule None"),
    ],
)
def test_a_bad_rule_file_says_where(name: str, text: str, says: str) -> None:
    with pytest.raises(RuleError) as caught:
        parse_rules(overlay(builtin_rules(), {name: text}))
    assert says in str(caught.value)


def test_an_overlay_replaces_the_file_of_the_same_rule() -> None:
    own = {"mine.yaml": "rule: dependency-edge\nsummary: s\nwindow: 1m\nmax_dependants: 3\n"}
    rules = parse_rules(overlay(builtin_rules(), own))
    assert rules.dependency_edge.windows == (60_000,)
    assert "020-dependency-edge.yaml" not in rules.texts


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("{", "not a JSON object"),
        ("[]", "not a JSON object"),
        ('{"at": "2026-11-21T03:00:00Z", "source": "change"}', "0 bodies"),
        ('{"at": "2026-11-21T03:00:00Z", "source": "change", "body": 1, "body_text": ""}', "2 bodies"),
        ('{"at": "now", "source": "change", "body": 1}', "no RFC 3339 time"),
        ('{"at": "2026-11-21T03:00:00Z", "body": 1}', "`source`"),
        ('{"at": "2026-11-21T03:00:00Z", "source": "c", "body": 1, "boddy": 1}', "unknown key 'boddy'"),
        ('{"at": "2026-11-21T03:00:00Z", "source": "c", "kind": "party", "body": 1}', "unknown kind"),
        ('{"at": "2026-11-21T03:00:00Z", "source": "c", "seq": "1", "body": 1}', "`seq`"),
        ('{"at": "2026-11-21T03:00:00Z", "source": "c", "body_base64": "%"}', "not base64"),
        ('{"at": "2026-11-21T03:00:00Z", "source": "c", "body": NaN}', "not a JSON object"),
        ('{"at": "2026-11-21T03:00:00Z", "source": "c", "body": "\\ud800"}', "not Unicode"),
        ('{"at": "2026-11-21T03:00:00Z", "source": "c", "headers": [], "body": 1}', "`headers`"),
    ],
)
def test_a_bad_event_line_says_where(line: str, says: str) -> None:
    with pytest.raises(EventLineError) as caught:
        line_to_record(line, 17, 1)
    assert says in str(caught.value)
    assert "line 17" in str(caught.value)


@pytest.mark.parametrize(
    "payload",
    [b'{"a":1}', b'{ "a": 1 }', b"\x00\xff", b"", "ü\u2028".encode(), b'{"b":1.50,"a":NaN}', b'"\\ud800"'],
)
def test_a_record_comes_back_byte_for_byte(payload: bytes) -> None:
    record = Record(5, 1_700_000_000_123, "ingest", "alertmanager", payload, "eu", {"user-agent": "x"})
    assert line_to_record(record_to_line(record), 1, None) == (record, True)


def test_the_shipped_example_catalogues_parse() -> None:
    cases = Path(__file__).parent.parent.parent / "evals" / "cases"
    found = [parse_catalogue(path.read_text(), str(path)) for path in cases.glob("*/catalog.yaml")]
    assert found
    assert all(catalogue.services for catalogue in found)
