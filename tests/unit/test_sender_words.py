"""Times and severities as senders write them, and what is read from untrusted JSON."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.inbound.changes import branch, deploys, tag
from connectors.inbound.fields import dig, link, text
from connectors.inbound.moments import first_instant, instant
from connectors.inbound.severities import severity

AT = 1_772_438_400_000


@pytest.mark.parametrize(
    "written",
    [
        "2026-03-02T08:00:00Z", "2026-03-02T08:00:00.000+0000", "2026-03-02T09:00:00+01:00",
        "2026-03-02 08:00:00 UTC", "2026-03-02 09:00:00 +0100", "2026-03-02 08:00:00.000 UTC",
        1_772_438_400, 1_772_438_400.0, 1_772_438_400_000, 1_772_438_400_000_000, 1_772_438_400_000_000_000,
        "1772438400", " 1772438400000 ",
    ],
)  # fmt: skip
def test_times(written: Any) -> None:
    assert instant(written) == AT


@pytest.mark.parametrize(
    "written",
    [
        None, True, False, "", "x", "0001-01-01T00:00:00Z", "2026-03-02T08:00:00", "2026-03-02", 0, -1, "-1",
        float("inf"), float("nan"), 10**30, "9" * 30, "2026-13-01T00:00:00Z", [], {}, "\uff11\uff17",
    ],
)  # fmt: skip
def test_what_is_no_time(written: Any) -> None:
    assert instant(written) is None
    assert first_instant(written, AT) == AT


def test_fractions_are_cut_below_a_millisecond() -> None:
    assert instant(1_709_991_385.873) == 1_709_991_385_873
    assert instant("2026-03-02T08:00:00.123456Z") == AT + 123


@pytest.mark.parametrize(
    ("word", "level"),
    [
        ("P1", "critical"), ("P4", "info"), ("P5", "low"), ("sev-2", "high"), ("Error", "high"),
        (" WARN ", "warning"), ("P1 - urgent", "critical"), ("Sev1: all down", "critical"),
        ("lowest", "low"), ("debug", "info"), ("", ""), ("on fire", ""),
    ],
)  # fmt: skip
def test_severities(word: str, level: str) -> None:
    assert severity(word) == level
    assert severity(word, "high") == (level or "high")


def test_paths_into_json() -> None:
    value = {"a": [{"b": 7}, {"b": True}], "c": " x "}
    assert (text(value, "a", 0, "b"), text(value, "c")) == ("7", "x")
    assert (text(value, "a", 1, "b"), text(value, "a", 9, "b"), text(value, "a")) == ("", "", "")
    assert dig(value, "c", "d") is None
    assert dig(None, "c", 0) is None


@pytest.mark.parametrize(
    "bad",
    [
        None,
        7,
        "",
        "x",
        "/x",
        "javascript:alert(1)",
        "http://",
        "https://a b",
        "https://a\n",
        "http://" + "a" * 3_000,
    ],
)
def test_links(bad: Any) -> None:
    assert link(bad) == ""
    assert link(bad, "https://a.example/x") == "https://a.example/x"


@pytest.mark.parametrize("name", ["deploy", "Deploy to prod", "deploy.yml", "release-prod", "rollout_eu"])
def test_names_that_deploy(name: str) -> None:
    assert deploys("x", name)


@pytest.mark.parametrize("name", ["", "test", "redeployed", "prerelease", "deploying", "shipping"])
def test_names_that_do_not(name: str) -> None:
    assert not deploys(name)


def test_refs() -> None:
    assert (branch("refs/heads/a/b"), branch("refs/tags/v1"), tag("refs/tags/v1"), tag("refs/heads/x")) == (
        "a/b",
        "",
        "v1",
        "",
    )
