"""Deploy risk in incidents: an assessment stands beside its change in any order, and decides nothing."""

from __future__ import annotations

import itertools
from typing import Any

import msgspec
import pytest

from core.engine import Engine
from core.model.events import ChangeEvent
from core.model.risk import Assessed
from core.replay import result
from core.risk.commits import may_be_of, named
from core.state import State
from core.times import DAY
from tests.judged import DROP, HEAD, REPOSITORY, Judging, check
from tests.restarts import copy_state
from tests.timeline import SHOP, START, alert, change


def story(*, judged: bool = True) -> Judging:
    t = Judging(SHOP)
    if judged:
        t.judge(-500, check())
    t.changed(-60, change("payments", -60, version=HEAD[:12], ref=f"{REPOSITORY}/run/1"))
    t.push(0, alert("payments"))
    t.push(20, alert("checkout", starts=15))
    return t


def risk(t: Judging) -> Any:
    return t.incidents()[0]["changes"][0].get("risk")


def assessments(t: Judging) -> dict[str, Assessed]:
    return t.engine.state.assessments


def test_a_change_carries_how_its_commit_was_judged() -> None:
    assert risk(story()) == {
        "head": HEAD, "verdict": "warn", "level": "high", "probability": 123, "more": 0, "matches": [DROP],
    }  # fmt: skip
    assert "risk" not in story(judged=False).incidents()[0]["changes"][0]


def test_those_that_tell_most_are_shown() -> None:
    def at(rule: str, level: str, path: str) -> dict[str, Any]:
        return {"rule": rule, "level": level, "path": path, "line": 1, "what": f"{rule} in {path}"}

    told = [
        at("dep-source", "critical", "services/cart/requirements.txt"),
        *(at("ci-permissions-wide", "high", f".github/workflows/{n}.yml") for n in range(14)),
        at("sql-index-blocks", "high", "migrations/1.sql"),
        at("k8s-probe-removed", "medium", "deploy/all.yaml"),
        at("k8s-replicas-down", "high", "charts/payments/values.yaml"),
        at("sql-drop-column", "high", "migrations/2.sql"),
        at("sql-drop-column", "high", "migrations/3.sql"),
    ]
    shown = []
    for matches in (told, told[::-1]):
        t = Judging(SHOP)
        t.judge(-500, check(matches=matches, services=["payments", "cart"]))
        t.changed(-60, change("payments", -60, version=HEAD))
        t.push(0, alert("payments"))
        shown.append([(one["rule"], one["path"]) for one in risk(t)["matches"]])
        assert risk(t)["more"] == 15
    assert shown[0] == shown[1] == [
        ("sql-drop-column", "migrations/2.sql"),
        ("k8s-replicas-down", "charts/payments/values.yaml"),
        ("sql-index-blocks", "migrations/1.sql"),
        ("k8s-probe-removed", "deploy/all.yaml"),
        ("ci-permissions-wide", ".github/workflows/0.yml"),
    ]  # fmt: skip


def test_it_decides_nothing() -> None:
    judged, plain = story(), story(judged=False)
    one, other = result(judged.fold), result(plain.fold)
    assert judged.pages() == plain.pages()
    assert [d["reason"] for d in one["decisions"]] == [d["reason"] for d in other["decisions"]]
    for document in one["incidents"]:
        for row in document["changes"]:
            row.pop("risk")
    # The record of the assessment moves the numbers of all that follow, of which ids are made.
    # Nor do the words say the same of what a rollback leaves; which fix is named does not hang on it.
    for document in (*one["incidents"], *other["incidents"]):
        document["questions"]["likely_fix"].pop("answer")
    keys = ("severity", "why", "origin", "status", "title", "questions")
    rows = [[[row[key] for key in keys] for row in found["incidents"]] for found in (one, other)]
    assert rows[0] == rows[1]
    assert [(f["kind"], f["confidence"], f["summary"]) for f in one["findings"]] == [
        (f["kind"], f["confidence"], f["summary"]) for f in other["findings"]
    ]


def fix(t: Judging) -> str:
    return str(t.incidents()[0]["questions"]["likely_fix"]["answer"])


def test_the_likely_fix_says_what_a_rollback_leaves_undone() -> None:
    start = f"Roll back the deploy of payments {HEAD[:12]}"
    assert fix(story()) == f"{start}; that does not undo this: Drops a column that is still read."
    assert fix(story(judged=False)) == f"{start}, if it can be undone safely."
    t = story(judged=False)
    t.judge(60, check(matches=[{**DROP, "rule": "sql-index-blocks"}, {**DROP, "rule": "made-up"}]))
    assert fix(t) == f"{start}, if it can be undone safely.", "the check knows nothing of that"
    t.judge(90, check(90, matches=[DROP, {**DROP, "rule": "tf-data-removed"}, {**DROP, "path": "x"}]))
    assert fix(t).endswith(" (and 2 more).")


def test_words_of_a_check_stay_words_in_the_likely_fix() -> None:
    t = story(judged=False)
    t.judge(60, check(matches=[{**DROP, "what": "x\n\x1b[2J\u202e" + "y" * 5_000}]))
    assert fix(t).isprintable()
    assert len(fix(t)) < 400


def test_it_may_come_after_the_incident_and_says_that_it_is_new() -> None:
    t = story(judged=False)
    [incident] = t.engine.state.incidents.values()
    before = incident.version
    t.judge(60, check())
    assert incident.version > before
    assert risk(t)["level"] == "high"


def test_the_latest_telling_counts_in_any_order_and_any_number_of_times() -> None:
    told = [check(-500, level="low"), check(-400, level="critical"), check(-400, level="medium"),
            check(-600, title="first")]  # fmt: skip
    found = set()
    for order in itertools.permutations(told):
        t = Judging(SHOP)
        t.changed(-60, change("payments", -60, version=HEAD))
        for one in (*order, *order):
            t.judge(-50, one)
        [assessed] = assessments(t).values()
        kept = msgspec.structs.replace(assessed, seq=0)
        found.add(msgspec.json.encode(kept))
        assert len(assessed.changes) == 1
    assert len(found) == 1


def test_which_change_it_is_does_not_hang_on_the_order() -> None:
    """Two assessments begin alike: a short name says nothing, a whole one does."""
    parts: list[Any] = [
        ("judge", check()),
        ("judge", check(head=HEAD[:8] + "0" * 32, repository="acme/other")),
        ("changed", change("payments", -60, version=HEAD[:8])),
        ("changed", change("cart", -60, version=HEAD)),
    ]
    found = set()
    for order in itertools.permutations(parts):
        t = Judging(SHOP)
        for how, body in order:
            getattr(t, how)(-50, body)
        found.add(tuple((key, one.changes) for key, one in sorted(assessments(t).items())))
    [rows] = found
    assert [len(changes) for _, changes in rows] == [0, 1]


@pytest.mark.parametrize(
    ("version", "ref", "names"),
    [
        (HEAD, "", (HEAD,)),
        ("v2.0-4-g1a2b3c4", "", ("1a2b3c4",)),
        ("main-1A2B3C4D", "", ("1a2b3c4d",)),
        ("2.4.0", "", ()),
        ("abc123", "", ()),
        ("registry.example/img@sha256:" + "f" * 64, "", ("f" * 64,)),
        ("", f"acme/x@{HEAD}/production", (HEAD,)),
        ("x" * 100_000, "", ()),
    ],
)
def test_names_of_commits(version: str, ref: str, names: tuple[str, ...]) -> None:
    assert named(ChangeEvent("deploy", "s", 0, version=version, ref=ref)) == names


@pytest.mark.parametrize(
    ("ref", "fits"),
    [
        ("", True),
        (f"acme/payments@{HEAD}", True),
        ("ACME/Payments/run/7/1", True),
        (f"forge.example/acme/payments@{HEAD}", True),
        (f"acme/other@{HEAD}", False),
        (f"acme/payments2@{HEAD}", False),
        ("Kustomization/apps/payments@main@sha1:abc", True),
    ],
)
def test_a_change_of_another_repository_is_another(ref: str, fits: bool) -> None:
    assert may_be_of(ChangeEvent("deploy", "s", 0, ref=ref), REPOSITORY) is fits


def test_a_squashed_commit_is_found_by_what_it_became() -> None:
    t = Judging(SHOP)
    t.changed(-60, change("payments", -60, version="b" * 40))
    t.judge(-50, check(merged_as="b" * 40))
    t.push(0, alert("payments"))
    assert risk(t)["head"] == HEAD


def test_domains_do_not_mix() -> None:
    t = story(judged=False)
    t.judge(60, check(), domain="east")
    assert risk(t) is None
    assert [one.domain for one in assessments(t).values()] == ["east"]


def test_it_is_kept_for_a_month_or_while_it_is_shown() -> None:
    t = story()
    t.judge(30, check(head="c" * 40))
    t.wait(20 * DAY / 1_000)
    assert len(assessments(t)) == 2
    t.wait(32 * DAY / 1_000)
    assert [one.event.head for one in assessments(t).values()] == [HEAD], "its incident fires on"
    t.judge(32 * DAY / 1_000, check(head="d" * 40))
    assert len(assessments(t)) == 1, "too old to be remembered"


def test_heads_without_end_do_not_fill_the_memory() -> None:
    t = Judging(SHOP)
    for start in range(0, 5_100, 100):
        t.judge(0, *(check(-start - n, head=f"{start + n:07x}{0:033x}") for n in range(100)))
    assert 4_500 <= len(assessments(t)) <= 5_000
    assert f"default/{REPOSITORY}@{0:040x}" in assessments(t), "the newest stays"


def test_a_checkpoint_keeps_it_and_an_old_one_is_read() -> None:
    t = story()
    assert copy_state(t.engine.state) == t.engine.state
    again = Engine(t.fold._parse, copy_state(t.engine.state))
    assert next(again.documents())["changes"][0]["risk"]["level"] == "high"
    raw = msgspec.json.decode(msgspec.json.encode(t.engine.state))
    for key in ("assessments", "taught"):
        del raw[key]
    for incident in raw["incidents"].values():
        del incident["causes"]
    old = Engine(t.fold._parse, msgspec.convert(raw, State))
    assert "risk" not in next(old.documents())["changes"][0]


def test_hostile_texts_stay_texts() -> None:
    t = Judging(SHOP)
    evil = "<script>alert(1)</script> [x](javascript:y) \x1b[2J @everyone"
    t.judge(-500, check(title=evil, matches=[{**DROP, "what": evil, "rule": evil, "path": evil}]))
    t.changed(-60, change("payments", -60, version=HEAD))
    t.push(0, alert("payments"))
    shown = risk(t)["matches"][0]
    assert all(shown[key].isprintable() for key in ("what", "rule", "path"))
    assert t.engine.state.clock >= START


def test_one_commit_in_very_many_places_is_one_assessment() -> None:
    t = Judging(SHOP)
    t.judge(-500, check())
    for number in range(60):
        t.changed(-60, change("payments", -60 - number, version=HEAD, environment=f"e{number}"))
    [assessed] = assessments(t).values()
    assert len(assessed.changes) == 20
    again = Judging(SHOP)
    for number in reversed(range(60)):
        again.changed(-60, change("payments", -60 - number, version=HEAD, environment=f"e{number}"))
    again.judge(-50, check())
    assert [one.changes for one in assessments(again).values()] == [assessed.changes]


def test_a_change_whose_version_is_told_later_finds_its_assessment_then() -> None:
    t = Judging(SHOP)
    t.judge(-500, check())
    t.changed(-60, change("payments", -60, ref="r1", state="started"))
    t.push(0, alert("payments"))
    assert risk(t) is None
    [incident] = t.engine.state.incidents.values()
    before = incident.version
    t.changed(10, change("payments", -60, ref="r1", state="succeeded", version=HEAD))
    assert (risk(t)["head"], incident.version > before) == (HEAD, True)
    [assessed] = assessments(t).values()
    assert assessed.changes == tuple(incident.changes)


def test_a_change_that_turns_out_to_be_of_another_commit_is_parted_from_it() -> None:
    other = "b" * 40
    parts = [
        change("payments", -60, ref="r1", state="started", version=HEAD),
        change("payments", -60, ref="r1", state="succeeded", version=other),
    ]
    found = set()
    for order in itertools.permutations([*parts, check(), check(head=other)]):
        t = Judging(SHOP)
        for body in order:
            (t.judge if "verdict" in body else t.changed)(-50, body)
        found.add(tuple((one.event.head, len(one.changes)) for _, one in sorted(assessments(t).items())))
    assert found == {((HEAD, 0), (other, 1))}
