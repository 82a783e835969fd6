"""`explain A --why-not B`, where a person has merged the two or parted them: who, when, and why."""

from __future__ import annotations

import pytest

from core.explain import explain_incident
from core.why_not import why_not
from tests.timeline import SHOP, START, Timeline, alert
from tests.unit.test_explain import fingerprint, incident_of
from watchkeeper.cli.explain import apart_lines

SECOND = 1_000


def apart() -> Timeline:
    """Three incidents that no rule joins."""
    t = Timeline(SHOP)
    t.push(0, alert("payments"), alert("mailer"))
    t.push(1, alert("search", "DiskFull", starts=-500))
    return t


def test_a_merge_names_who_when_and_why_whichever_way_round_and_by_either_id() -> None:
    t = apart()
    first, second = incident_of(t, "payments"), incident_of(t, "mailer")
    fingers = fingerprint(t, "payments"), fingerprint(t, "mailer")
    t.move(60, second, "merged", "bo", into=first)
    gone, kept = sorted((first, second), key=lambda name: name in t.engine.state.incidents)
    words = f'They are one incident: bo merged {gone} into it at 08:01 UTC on 2026-03-02 ("because").'
    for pair in ((first, second), (second, first), fingers, fingers[::-1], (kept, fingerprint(t, "mailer"))):
        found = why_not(t.engine.world, *pair)
        assert (found["together"], found["words"]) == (True, words)
        assert found["why"] is None
        assert list(apart_lines(found)) == [words]
    [act] = why_not(t.engine.world, first, second)["people"]
    assert act == {
        "what": "merged", "at": "2026-03-02T08:01:00.000Z", "actor": "bo", "incident": kept, "other": gone,
        "reason": "because",
    }  # fmt: skip


def test_of_several_merges_those_are_named_that_lie_between() -> None:
    t = apart()
    names = {service: incident_of(t, service) for service in ("payments", "mailer", "search")}
    t.move(60, names["mailer"], "merged", "bo", into=names["payments"])
    t.move(120, names["search"], "merged", "cy", into=names["payments"])
    found = why_not(t.engine.world, names["payments"], names["mailer"])
    assert "bo merged" in found["words"]
    both = why_not(t.engine.world, names["mailer"], names["search"])["people"]
    assert {act["actor"] for act in both} <= {"bo", "cy"}
    assert both


def test_what_a_rule_joined_is_not_said_to_be_a_person_s() -> None:
    t = Timeline(SHOP)
    t.push(0, alert("payments"), alert("mailer"))
    t.move(60, incident_of(t, "mailer"), "merged", "bo", into=incident_of(t, "payments"))
    t.push(90, alert("checkout", starts=30))
    found = why_not(t.engine.world, fingerprint(t, "payments"), fingerprint(t, "checkout"))
    assert (found["people"], found["words"]) == ([], "They are one incident.")
    assert found["why"]["rule"] == "dependency-edge"
    by_hand = why_not(t.engine.world, fingerprint(t, "mailer"), fingerprint(t, "checkout"))
    assert "bo merged" in by_hand["words"]


def split_up() -> tuple[Timeline, str, str]:
    """Two services that call each other, parted by hand: what stays, and what was split off."""
    t = Timeline(SHOP)
    t.push(0, alert("payments"), alert("checkout"))
    old = t.incidents()[0]["id"]
    t.move(60, old, "split", "dee", alerts=(fingerprint(t, "checkout"),))
    [new] = [row["id"] for row in t.incidents() if row["id"] != old]
    return t, old, new


def test_a_split_names_who_when_and_why() -> None:
    t, old, new = split_up()
    words = f'dee split {new} off from {old} at 08:01 UTC on 2026-03-02 ("because")'
    for pair in ((old, new), (new, old), (fingerprint(t, "payments"), fingerprint(t, "checkout"))):
        found = why_not(t.engine.world, *pair)
        assert (found["together"], found["words"]) == (False, f"They are apart: {words}.")
        assert found["people"][0]["what"] == "split"
    incident = t.engine.incident(old)
    assert incident is not None
    [miss] = explain_incident(t.engine.world, incident)["nearly_joined"]
    assert miss["why"]["hint"] == words


def test_what_was_split_and_merged_again_is_one_incident_by_the_merge() -> None:
    t, old, new = split_up()
    t.move(120, new, "merged", "eve", into=old)
    found = why_not(t.engine.world, old, new)
    assert found["together"] is True
    assert [act["actor"] for act in found["people"]] == ["eve"]


def test_what_was_merged_with_a_parted_one_is_parted_too_and_says_by_whom() -> None:
    t, old, new = split_up()
    t.push(90, alert("mailer", starts=85))
    t.move(120, new, "merged", "eve", into=incident_of(t, "mailer"))
    kept = t.engine.world.resolve_id(new)
    found = why_not(t.engine.world, old, kept)
    assert found["together"] is False
    assert found["words"].startswith("They are apart: dee split ")


@pytest.mark.parametrize("words", ["line\nbreak", "x" * 3_000])
def test_a_person_s_words_stay_one_short_line(words: str) -> None:
    t = apart()
    first, second = incident_of(t, "payments"), incident_of(t, "mailer")
    t.move(60, second, "merged", words, into=first)
    said = why_not(t.engine.world, first, second)["words"]
    assert "\n" not in said
    assert len(said) < 400
    assert t.now == START + 60 * SECOND
