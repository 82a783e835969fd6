"""`compare` on hand-made replay documents: every class of difference, its counts, its reason, its order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from core.backtest import Comparison, compare, comparison_json
from core.backtest.model import GROUP_KINDS
from core.model.document import Document
from core.times import SECOND, format_rfc3339, parse_rfc3339

START = parse_rfc3339("2026-03-02T08:00:00Z")


def at(seconds: int) -> str:
    return format_rfc3339(START + seconds * SECOND)


def row(name: str, start: int = 0, line: int = 0, index: int = 0) -> Document:
    """An alert; `name` is its episode too, its service the part before a dash."""
    return {
        "line": line or 1 + sum(name.encode()),
        "index": index,
        "episode": name,
        "name": f"Alert-{name}",
        "service": name.partition("-")[0],
        "starts_at": at(start),
        "ends_at": at(start + 60),
    }


def link(rule: str, *evidence: str, counted: bool = True, hint: str = "") -> Document:
    return {
        "rule": rule,
        "summary": f"{rule} of {' and '.join(evidence)}",
        "counted": counted,
        "hint": hint,
        "terms": {},
        "evidence": list(evidence),
        "children": [],
    }


def incident(name: str, alerts: Sequence[Document], opened: int = 0, **more: Any) -> Document:
    why = {**link("grouping"), "children": more.pop("links", [])}
    services = sorted({one["service"] for one in alerts})
    return {
        "id": name,
        "title": f"Title of {name}",
        "severity": "P2",
        "severity_reason": "warning",
        "opened_at": at(opened),
        "resolved_at": at(opened + 600),
        "services": [{"service": one, "environment": "", "cluster": ""} for one in services],
        "alerts": list(alerts),
        "findings": [],
        "why": why,
        "origin": None,
        "merged_from": [],
        "history": [],
        **more,
    }


def page(subject: str, when: int, reason: str = "opened", receiver: str = "shop") -> Document:
    head = {"id": f"dec-{subject}-{when}-{reason}-{receiver}", "kind": "notify", "subject": subject}
    return {**head, "reason": reason, "at": at(when), "receiver": receiver}


def document(incidents: list[Document], pages: Sequence[Document] = ()) -> Document:
    return {"version": "test", "incidents": incidents, "decisions": list(pages)}


def kinds(comparison: Comparison) -> dict[str, tuple[int, int, int]]:
    """The groups that are there: (groups, before, after)."""
    found = {kind: comparison.groups[kind] for kind in GROUP_KINDS if comparison.groups[kind].groups}
    return {kind: (one.groups, one.before, one.after) for kind, one in found.items()}


def pages(comparison: Comparison) -> dict[str, int]:
    return {kind: count for kind, count in comparison.pages.counts.items() if count}


A, B, C, D = row("a-1", 0), row("b-1", 10), row("c-1", 20), row("d-1", 30)


def test_the_same_twice_is_no_difference() -> None:
    one = document([incident("INC-1", [A, B]), incident("INC-2", [C], 20)], [page("INC-1", 5)])
    found = compare(one, one)
    assert kinds(found) == {"same": (2, 2, 2)}
    assert pages(found) == {"same": 1}
    assert not found.different
    assert not comparison_json(found)["different"]


def test_several_that_become_one_are_merged_and_the_new_link_says_why() -> None:
    before = document([incident("INC-1", [A, B]), incident("INC-2", [C, D], 20)])
    new, inner = link("dependency-edge", "b-1", "c-1"), link("same-entity", "a-1", "b-1")
    sums = link("same-entity", "a-1", "b-1", "c-1", "d-1")
    after = document([incident("INC-1", [A, B, C, D], links=[{**sums, "children": [inner, new]}])])
    found = compare(before, after)
    assert kinds(found) == {"merged": (1, 2, 1)}
    assert found.incidents == {"before": 2, "after": 1}
    assert found.alerts["moved"] == 2
    [example] = found.examples["merged"]
    assert [one.id for one in example.before] == ["INC-1", "INC-2"]
    assert [one.id for one in example.after] == ["INC-1"]
    assert example.why[0].summary == new["summary"]
    assert (example.why[0].seen, example.why[0].counted) == ("after", True)
    assert inner["summary"] not in [one.summary for one in example.why]
    assert [(one.name, one.before, one.after) for one in example.spans][2] == ("Alert-c-1", "INC-2", "INC-1")


def test_one_that_becomes_several_is_split_and_the_gone_link_says_why() -> None:
    gone = link("dependency-edge", "a-1", "c-1")
    other = link("probable-origin", "a-1", "c-1")
    before = document([incident("INC-1", [A, B, C], links=[other, gone])])
    after = document([incident("INC-1", [A, B]), incident("INC-3", [C], 20)])
    found = compare(before, after)
    assert kinds(found) == {"split": (1, 1, 2)}
    assert found.alerts["moved"] == 1
    [example] = found.examples["split"]
    assert [(one.seen, one.summary) for one in example.why] == [("before", gone["summary"])]


def test_what_did_not_hold_is_told_after_what_did() -> None:
    failed = link("dependency-edge", "a-1", "c-1", counted=False, hint="10 min apart, the window is 5 min")
    held = link("same-entity", "a-1", "b-1", "c-1")
    before = document([incident("INC-1", [A, B, C], links=[failed, held])])
    after = document([incident("INC-1", [A, B]), incident("INC-3", [C], 20)])
    [example] = compare(before, after).examples["split"]
    assert [(one.counted, one.hint) for one in example.why] == [(True, ""), (False, failed["hint"])]


def test_where_no_node_names_the_link_the_history_says_when_it_grew() -> None:
    grown = [
        {"at": at(5), "what": "service_joined", "reason": "linked", "detail": "c"},
        {"at": at(9), "what": "paged", "reason": "opened", "detail": ""},
        {"at": at(30), "what": "merged", "reason": "person", "detail": "INC-2"},
    ]
    apart = document([incident("INC-1", [A, B]), incident("INC-2", [C], 20)])
    one = document([incident("INC-1", [A, B, C], history=grown)])
    [example] = compare(apart, one).examples["merged"]
    assert [(link.seen, link.rule, link.summary, link.hint) for link in example.why] == [
        ("after", "history", f"INC-2 was merged into INC-1 at {at(30)}", "person"),
        ("after", "history", f"c joined INC-1 at {at(5)}", "linked"),
    ]
    assert {link.seen for link in compare(one, apart).examples["split"][0].why} == {"before"}
    quiet = document([incident("INC-1", [A, B, C])])
    assert compare(apart, quiet).examples["merged"][0].why == ()


def test_alerts_that_go_from_one_to_another_are_moved() -> None:
    before = document([incident("INC-1", [A, B]), incident("INC-2", [C, D], 20)])
    after = document([incident("INC-1", [A]), incident("INC-2", [B, C, D], 10)])
    found = compare(before, after)
    assert kinds(found) == {"changed": (1, 2, 2)}
    [example] = found.examples["changed"]
    moved = [one for one in example.spans if one.before != one.after]
    assert [(one.name, one.before, one.after) for one in moved] == [("Alert-b-1", "INC-1", "INC-2")]
    assert example.moved == found.alerts["moved"] == 1


def test_what_is_on_one_side_only_is_new_or_gone() -> None:
    before = document([incident("INC-1", [A]), incident("INC-2", [B], 10)])
    after = document([incident("INC-1", [A]), incident("INC-3", [C], 20)])
    found = compare(before, after)
    assert kinds(found) == {"same": (1, 1, 1), "new": (1, 0, 1), "gone": (1, 1, 0)}
    assert (found.alerts["only_before"], found.alerts["only_after"]) == (1, 1)


def test_an_alert_is_known_by_its_place_where_its_identity_changed() -> None:
    before = document([incident("INC-1", [row("a-1", line=7, index=2)])])
    after = document([incident("INC-9", [row("a-other", line=7, index=2)])])
    assert kinds(compare(before, after)) == {"same": (1, 1, 1)}
    elsewhere = document([incident("INC-9", [row("a-other", line=7, index=3)])])
    assert kinds(compare(before, elsewhere)) == {"new": (1, 0, 1), "gone": (1, 1, 0)}


def test_alerts_that_fold_into_one_change_an_incident() -> None:
    before = document([incident("INC-1", [A, B])])
    after = document([incident("INC-1", [A])])
    found = compare(before, after)
    assert kinds(found) == {"changed": (1, 1, 1)}
    assert found.alerts["only_before"] == 1


def test_examples_are_the_biggest_and_no_more_than_asked() -> None:
    rows = [[row(f"s{place}-{n}", 100 * place) for n in range(2 + place)] for place in range(4)]
    before = document(
        [incident(f"INC-{place}{n}", [one], 100 * place + n) for place, mine in enumerate(rows)
         for n, one in enumerate(mine)]
    )  # fmt: skip
    after = document([incident(f"INC-{place}0", mine, 100 * place) for place, mine in enumerate(rows)])
    found = compare(before, after, shown=2)
    assert found.groups["merged"].groups == 4
    assert [example.moved for example in found.examples["merged"]] == [4, 3]


def test_counterparts_are_those_of_the_same_id_then_those_that_share_most() -> None:
    """Of what is split, the one that opened with the same alert goes on."""
    before = document([incident("INC-1", [A, B, C, D], severity="P1")])
    after = document([incident("INC-1", [A], severity="P3"), incident("INC-7", [B, C, D], 10, severity="P1")])
    assert compare(before, after).severities.counts == {"P1 > P3": 1}
    other = document([incident("INC-8", [A], severity="P3"), incident("INC-7", [B, C, D], 10, severity="P1")])
    assert compare(before, other).severities.counts == {}


def test_pages_of_what_was_merged_are_saved() -> None:
    before = document(
        [incident("INC-1", [A]), incident("INC-2", [B], 10)], [page("INC-1", 0), page("INC-2", 10)]
    )
    after = document([incident("INC-1", [A, B])], [page("INC-1", 0)])
    found = compare(before, after)
    assert pages(found) == {"same": 1, "saved": 1}
    [example] = found.pages.examples["saved"]
    assert (example.incident_before, example.incident_after) == ("INC-2", "INC-1")
    assert "its alerts are told by INC-1 at" in example.why
    assert (found.pages.before, found.pages.after) == (2, 1)


def test_a_page_is_lost_when_nobody_is_told_of_an_alert() -> None:
    quiet = [{"what": "not_paged", "reason": "silence", "detail": "sil-1"}]
    before = document([incident("INC-1", [A, B])], [page("INC-1", 0)])
    after = document([incident("INC-1", [A, B], history=quiet)])
    found = compare(before, after)
    assert pages(found) == {"lost": 1}
    assert found.pages.examples["lost"][0].why == "INC-1 was not paged: silence: sil-1"
    assert found.pages.by_receiver == {"shop": {**_none(), "before": 1, "lost": 1}}


def test_a_page_is_lost_when_part_of_what_it_told_is_told_by_nobody() -> None:
    before = document(
        [incident("INC-1", [A]), incident("INC-2", [B, C], 10)], [page("INC-1", 0), page("INC-2", 10)]
    )
    after = document([incident("INC-1", [A, B]), incident("INC-5", [C], 20)], [page("INC-1", 0)])
    assert pages(compare(before, after)) == {"same": 1, "lost": 1}


def test_a_page_without_a_receiver_is_lost() -> None:
    before = document([incident("INC-1", [A])], [page("INC-1", 0)])
    after = document([incident("INC-1", [A])], [page("INC-1", 0, receiver="")])
    found = compare(before, after)
    assert pages(found) == {"lost": 1}
    assert found.pages.examples["lost"][0].why == "no route names a receiver for it"
    assert pages(compare(after, before)) == {"receiver": 1}


@pytest.mark.parametrize(("by", "kind"), [(30, "same"), (31, "later"), (-30, "same"), (-31, "earlier")])
def test_a_page_has_moved_in_time_by_more_than_half_a_minute(by: int, kind: str) -> None:
    before = document([incident("INC-1", [A])], [page("INC-1", 100)])
    after = document([incident("INC-1", [A])], [page("INC-1", 100 + by)])
    found = compare(before, after)
    assert pages(found) == {kind: 1}
    if kind != "same":
        assert found.pages.examples[kind][0].by == by * SECOND


def test_a_page_to_others_names_both() -> None:
    origin = {"service": "a", "environment": "", "cluster": "", "score": 700, "terms": {"explains": 400}}
    other = {**origin, "service": "b"}
    before = document([incident("INC-1", [A, B], origin=origin)], [page("INC-1", 0)])
    after = document([incident("INC-1", [A, B], origin=other)], [page("INC-1", 0, receiver="web")])
    found = compare(before, after)
    assert pages(found) == {"receiver": 1}
    [example] = found.pages.examples["receiver"]
    assert (example.receiver_before, example.receiver_after) == ("shop", "web")
    assert "origin a (score 700: explains 400) before, b" in example.why
    assert found.pages.by_receiver["shop"]["receiver"] == 1
    assert found.pages.by_receiver["web"]["after"] == 1


def test_what_was_merged_into_others_incident_is_told_to_others() -> None:
    before = document(
        [incident("INC-1", [A]), incident("INC-2", [B], 10)],
        [page("INC-1", 0), page("INC-2", 10, receiver="web")],
    )
    after = document([incident("INC-1", [A, B])], [page("INC-1", 0)])
    found = compare(before, after)
    assert pages(found) == {"same": 1, "receiver": 1}
    assert (found.pages.before, found.pages.after) == (2, 1)


def test_pages_to_several_are_paired_by_their_receiver() -> None:
    names = ("shop", "web", "ops")
    before = document([incident("INC-1", [A])], [page("INC-1", 0, receiver=name) for name in names])
    late = [page("INC-1", 60, f"opened:after {name}", name) for name in reversed(names)]
    assert pages(compare(before, document([incident("INC-1", [A])], late))) == {"later": 3}
    fewer = document([incident("INC-1", [A])], late[:2])
    assert pages(compare(before, fewer)) == {"later": 2, "receiver": 1}


def test_a_page_that_is_new_is_extra() -> None:
    before = document([incident("INC-1", [A, B])], [page("INC-1", 0)])
    after = document(
        [incident("INC-1", [A]), incident("INC-4", [B], 10)], [page("INC-1", 0), page("INC-4", 10)]
    )
    found = compare(before, after)
    assert pages(found) == {"same": 1, "extra": 1}
    assert found.pages.examples["extra"][0].why == "INC-4 is an incident of its own"


def test_pages_that_repeat_are_paired_by_their_moment_first() -> None:
    resolved = [page("INC-1", when, "resolved") for when in (100, 500, 900)]
    before = document([incident("INC-1", [A])], resolved)
    after = document([incident("INC-1", [A])], resolved[1:])
    found = compare(before, after)
    assert pages(found) == {"same": 2, "saved": 1}
    assert found.pages.examples["saved"][0].at_before == at(100)


def test_a_page_of_an_incident_that_was_merged_later_is_its_successors() -> None:
    one = document([incident("INC-1", [A, B], merged_from=["INC-2"])], [page("INC-1", 0), page("INC-2", 10)])
    assert pages(compare(one, one)) == {"same": 2}


def test_days_count_pages() -> None:
    before = document([incident("INC-1", [A])], [page("INC-1", 0), page("INC-1", 90_000, "resolved")])
    found = compare(before, before)
    assert {day: counts["before"] for day, counts in found.pages.by_day.items()} == {
        "2026-03-02": 1,
        "2026-03-03": 1,
    }


def test_severities_origins_ends_and_findings_that_differ() -> None:
    origin = {"service": "a", "environment": "", "cluster": "", "score": 700, "terms": {}}
    finding = {"kind": "recent-change", "subject": "chg-1", "summary": "deploy of a", "why": {"hint": "why"}}
    before = document([incident("INC-1", [A, B], origin=origin, findings=[finding])])
    after = document([incident("INC-1", [A, B], severity="P1", severity_reason="critical", resolved_at=None)])
    found = compare(before, after)
    assert kinds(found) == {"same": (1, 1, 1)}
    assert found.different
    assert found.severities.counts == {"P2 > P1": 1}
    assert found.severities.examples[0].why == "severity P2 (warning) before, P1 (critical) after"
    assert found.origins.counts == {"a > unknown": 1}
    assert found.endings.counts == {"resolved only before": 1}
    assert found.findings.counts == {"recent-change gone": 1}
    assert found.findings.examples[0].before == "deploy of a"


def test_the_commonest_change_comes_first_and_every_change_has_an_example() -> None:
    names = [f"INC-{n}" for n in range(5)]
    rows = [row(f"s{n}-1", n) for n in range(5)]
    before = document(
        [incident(name, [one], n) for n, (name, one) in enumerate(zip(names, rows, strict=True))]
    )
    worse = ["P1", "P1", "P3", "P1", "P0"]
    after = document([incident(name, [rows[n]], n, severity=worse[n]) for n, name in enumerate(names)])
    found = compare(before, after, shown=3).severities
    assert list(found.counts.items()) == [("P2 > P1", 3), ("P2 > P0", 1), ("P2 > P3", 1)]
    assert sorted(one.after for one in found.examples) == ["P0", "P1", "P3"]


def test_since_and_until_choose_groups_by_the_opening_of_any_of_theirs() -> None:
    before = document(
        [incident("INC-1", [A], 0), incident("INC-2", [B], 100), incident("INC-3", [C], 200)],
        [page("INC-1", 0), page("INC-2", 100), page("INC-3", 200)],
    )
    after = document([incident("INC-1", [A], 0), incident("INC-2", [B], 100)], [page("INC-1", 0)])
    found = compare(before, after, since=at(100), until=at(200))
    assert found.incidents == {"before": 1, "after": 1}
    assert pages(found) == {"lost": 1}
    both = compare(
        document([incident("INC-1", [A], 0), incident("INC-2", [B], 100)]),
        document([incident("INC-1", [A, B], 0)]),
        since=at(50),
    )
    assert kinds(both) == {"merged": (1, 2, 1)}


def test_the_order_of_the_documents_does_not_matter() -> None:
    before = [incident("INC-1", [A, B]), incident("INC-2", [C, D], 20)]
    after = [incident("INC-1", [A]), incident("INC-2", [D], 30), incident("INC-6", [B, C], 10)]
    told = [page("INC-1", 0), page("INC-2", 20)]
    later = [page("INC-6", 10), page("INC-2", 60), page("INC-1", 0)]
    once = compare(document(before, told), document(after, later))
    again = compare(document(before[::-1], told[::-1]), document(after[::-1], later[::-1]))
    assert comparison_json(once) == comparison_json(again)


def test_incidents_without_alerts_stand_for_each_other_by_name() -> None:
    one = document([incident("INC-1", []), incident("INC-2", [A])])
    assert kinds(compare(one, one)) == {"same": (2, 2, 2)}


def test_nothing_at_all() -> None:
    found = compare(document([]), document([]))
    assert not found.different
    assert found.incidents == {"before": 0, "after": 0}


def _none() -> dict[str, int]:
    kinds = ("before", "after", "saved", "lost", "extra", "earlier", "later", "receiver")
    return dict.fromkeys(kinds, 0)
