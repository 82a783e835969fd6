"""Ids of commits where people read: their beginning on pages, in prose and facts; the documents keep all."""

from __future__ import annotations

import pytest

from agents.roles import ROLES
from connectors.outbound.pagerduty import _change as said_by_pager
from core.narrative.check import check as claims
from core.narrative.facts import fact_bundle
from core.narrative.plain import short_version
from core.narrative.report import report
from tests.judged import HEAD, Judging
from tests.timeline import SHOP, START, alert, change
from watchkeeper.cli.show import incident_lines
from watchkeeper.console.evidence import evidence_names
from watchkeeper.console.moments import change_name
from watchkeeper.console.suspects import change_view
from watchkeeper.shown import live_document, shown
from watchkeeper.standing_in import with_stand_ins

DIGEST = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("version", "short"),
    [
        (HEAD, HEAD[:12]), (DIGEST, DIGEST[:12]), (HEAD[:20], HEAD[:20]), ("2.4.0", "2.4.0"), ("", ""),
        ("x" * 40, "x" * 40), (f"v1-{HEAD}", f"v1-{HEAD}"),
    ],
)  # fmt: skip
def test_what_is_short(version: str, short: str) -> None:
    assert short_version(version) == short


def test_people_read_the_beginning_and_programs_all() -> None:
    t = Judging(SHOP)
    t.changed(-60, change("payments", -60, version=HEAD))
    t.push(0, alert("payments"))
    [row] = t.incidents()
    t.blame(5, row["id"], row["changes"][0]["id"])
    incident = t.engine.incident(row["id"])
    assert incident is not None
    document = with_stand_ins(shown(live_document(t.fold, incident)))
    told = document["changes"][0]
    assert told["version"] == HEAD
    view = change_view(document, told, START)
    assert (view.version, view.whole) == (HEAD[:12], HEAD)
    plain = change_view(document, {**told, "version": "2.4.0"}, START)
    assert (plain.version, plain.whole) == ("2.4.0", "")
    prose = [
        "\n".join(incident_lines(document)),
        report(document),
        change_name(told),
        evidence_names(document, [])[told["id"]].label,
        said_by_pager(told),
        str(document["questions"]),
        str(document["findings"]),
    ]
    for text in prose:
        assert HEAD[:12] in text
        assert HEAD[:13] not in text


def test_facts_and_their_sentences_agree() -> None:
    t = Judging(SHOP)
    t.changed(-60, change("payments", -60, version=HEAD))
    t.push(0, alert("payments"))
    bundle = fact_bundle(t.incidents()[0])
    assert [fact.object for fact in bundle.of("suspect")] == [HEAD[:12]]
    for role in ROLES:
        part = role.part(bundle)
        assert [one.reasons for one in claims(part, role.story(part)).sentences if not one.kept] == []
