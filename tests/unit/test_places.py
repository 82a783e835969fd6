"""Alerts that their places keep apart: which part of the place it is, said where people ask."""

from __future__ import annotations

import json
from typing import Any

import pytest

from core.explain import explain_incident
from core.explain_words import missed_by
from core.why_not import why_not
from tests.timeline import SHOP, Timeline, alert
from watchkeeper.cli.explain import apart_lines

POD = {"pod": "api-7d9f8c6b5-abcde"}


def opened(t: Timeline) -> list[str]:
    return [str(row["id"]) for row in t.incidents()]


def two(
    one: dict[str, Any], other: dict[str, Any], service: str = "payments", domain: str = "default"
) -> Timeline:
    t = Timeline(SHOP)
    t.push(0, alert(service, "Slow", **one))
    t.push(5, alert(service, "Slow", starts=5, **other), domain=domain)
    return t


@pytest.mark.parametrize(
    ("one", "other", "domain", "said"),
    [
        ({"cluster": "c1"}, {"cluster": "c2"}, "default",
         "one is in cluster c1, the other in c2: clusters never mix"),
        ({}, {"cluster": "c2"}, "default", "one is in cluster c2, the other names none: clusters never mix"),
        ({"environment": "production"}, {"environment": "staging"}, "default",
         "one is in environment production, the other in staging: environments never mix"),
        ({}, {}, "east", "one is in domain default, the other in east: domains never mix"),
        ({"cluster": "c1"}, {"cluster": "c2"}, "east",
         "one is in domain default, the other in east; one is in cluster c1, the other in c2:"
         " such places never mix"),
    ],
)  # fmt: skip
def test_the_part_of_the_place_that_differs_is_named(
    one: dict[str, str], other: dict[str, str], domain: str, said: str
) -> None:
    t = two(one, other, domain=domain)
    first, second = opened(t)
    found = why_not(t.engine.world, first, second)
    assert found["words"] == f"They are apart: {said}."
    assert found["why"]["rule"] == "same-entity"
    assert found["why"]["terms"]["apart_by"] in ("cluster", "environment", "domain", "domain, cluster")
    assert said in "\n".join(apart_lines(json.loads(json.dumps(found))))
    live = explain_incident(t.engine.world, t.engine.world.state.incidents[first])
    [miss] = live["nearly_joined"]
    assert (miss["incident"], missed_by(miss["why"])) == (second, said)


def test_a_namespace_is_a_place_too() -> None:
    t = two({"namespace": "tenant-a", **POD}, {"namespace": "tenant-b", **POD}, service="")
    first, second = opened(t)
    said = "one is in namespace tenant-a, the other in tenant-b: namespaces never mix"
    assert said in why_not(t.engine.world, first, second)["words"]


def test_what_their_times_keep_apart_too_is_said_beside_it() -> None:
    t = Timeline(SHOP)
    t.push(0, alert("payments", "Slow", instance="a", cluster="c1"))
    t.push(100, alert("payments", "Slow", starts=100, instance="b", cluster="c2"))
    words = why_not(t.engine.world, *opened(t))["words"]
    assert "clusters never mix; and 100 s apart, the window is 75 s" in words


def test_what_no_rule_joins_anywhere_is_not_said_to_be_the_place() -> None:
    t = Timeline(SHOP)
    t.push(0, alert("payments", "Slow", cluster="c1"))
    t.push(5, alert("lonely", "Zed", starts=5, cluster="c2"))
    assert "no rule joins alerts like these" in why_not(t.engine.world, *opened(t))["words"]
    assert (
        explain_incident(t.engine.world, t.engine.world.state.incidents[opened(t)[0]])["nearly_joined"] == []
    )


def test_what_nearly_joined_in_its_own_place_comes_first_and_durations_are_exact() -> None:
    t = Timeline(SHOP)
    t.push(0, alert("payments", "Errors", instance="a"))
    t.push(100, alert("payments", "Slow", starts=100, instance="b"))
    t.push(101, alert("payments", "Slow", starts=101, instance="b", cluster="c2"))
    _, middle, far = opened(t)
    rows = explain_incident(t.engine.world, t.engine.world.state.incidents[middle])["nearly_joined"]
    assert [row["incident"] for row in rows] == [opened(t)[0], far]
    words = missed_by(rows[0]["why"])
    assert words == "they began 100 s apart, alerts of one service are joined within 75 s: 25 s too far"
    assert "100 s apart" in rows[0]["why"]["summary"]


def test_looking_changes_nothing() -> None:
    t = two({"cluster": "c1"}, {"cluster": "c2"})
    before = t.digest()
    links = {key: list(rows) for key, rows in t.engine.world.links.items()}
    why_not(t.engine.world, *opened(t))
    assert (t.digest(), {key: list(rows) for key, rows in t.engine.world.links.items()}) == (before, links)
