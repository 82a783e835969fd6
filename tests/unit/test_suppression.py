"""What holds pages back, until when, and that nothing is lost: silences, quiet times, deploys, dismissals."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from connectors.inbound.registry import parse
from core.config import config_draft
from core.errors import EventLineError, InputError, RuleError
from core.explain import explain_alert
from core.forgetting import Forget, forget
from core.journal import Record, json_draft
from core.quoting import ERASED
from core.replay import Fold, replay_file
from core.rules.loader import overlay, parse_rules
from core.suppression import suppressed
from core.suppression.checking import check_silence, silence_id
from core.suppression.matchers import parse_matchers
from core.suppression.silences import Silence
from core.suppression.silencing import dismiss_draft, expire_draft, put_draft, return_draft
from core.times import DAY, SECOND
from core.world import Turn
from tests.restarts import copy_state
from tests.timeline import SHOP, START, Timeline, alert, change, time
from watchkeeper.erasing import said_by
from watchkeeper.files import rules_content

MIN = 60


def silence(text: str, starts: float = 0, ends: float = 600, name: str = "SIL-A", **more: str) -> Silence:
    return Silence(
        name,
        parse_matchers(text),
        START + int(starts * SECOND),
        START + int(ends * SECOND),
        more.get("author", "ana"),
        more.get("comment", "known"),
    )


def put(t: Timeline, at: float, one: Silence) -> None:
    t._append(at, put_draft(one, "api"))


def expire(t: Timeline, at: float, name: str = "SIL-A") -> None:
    t._append(at, expire_draft(name, "bo", "api"))


def dismiss(t: Timeline, at: float, until: float, actor: str = "ana") -> None:
    name = t.incidents()[-1]["id"]
    t._append(at, dismiss_draft(name, START + int(until * SECOND), actor, "later", "api"))


def one(t: Timeline) -> dict[str, Any]:
    [incident] = t.incidents()
    return incident


def told(t: Timeline) -> list[tuple[float, str]]:
    """(seconds, the whole reason) of each page."""
    return [
        (at, decision["reason"])
        for (at, _), decision in zip(t.pages(), t.decisions("notify"), strict=True)
        if not decision["reason"].startswith("response_overdue")
    ]


def not_paged(t: Timeline) -> list[str]:
    return [m["reason"] for m in one(t)["history"] if m["what"] == "not_paged"]


def test_what_is_silenced_is_shown_and_pages_nobody_until_the_silence_ends() -> None:
    t = Timeline(SHOP)
    put(t, 0, silence('service="search"', ends=600))
    t.push(10, alert("search", starts=10))
    t.wait(599)
    incident = one(t)
    assert told(t) == []
    assert not_paged(t) == ["silenced:SIL-A"]
    assert incident["alerts"][0]["suppressed"] == [
        {"kind": "silence", "id": "SIL-A", "by": "ana", "reason": "known", "until": time(600)}
    ]
    assert (incident["suppressed_total"], incident["status"], incident["severity"]) == (1, "triggered", "P1")
    t.wait(600)
    assert told(t) == [(600, "opened:after SIL-A")]
    assert one(t)["suppressed_total"] == 0


def test_membership_findings_and_severity_are_the_same_with_and_without() -> None:
    def facts(silenced: bool) -> Any:
        t = Timeline(SHOP)
        if silenced:
            put(t, 0, silence('alertname=~".*Error.*"', ends=3000))
        else:
            t.push(0)
        t.changed(1, change("payments", 0))
        t.push(10, alert("payments", starts=10), alert("checkout", starts=12, severity="warning"))
        t.push(70, alert("checkout", starts=12, ends=60, severity="warning"))
        t.wait(200)
        incident = one(t)
        alerts = [
            {key: value for key, value in row.items() if key != "suppressed"} for row in incident["alerts"]
        ]
        keys = ("severity", "status", "findings", "why", "origin", "changes", "questions", "opened_at")
        return alerts, {key: incident[key] for key in keys}

    assert facts(True) == facts(False)


def test_one_alert_that_is_free_pages_for_all() -> None:
    t = Timeline(SHOP)
    put(t, 0, silence('alertname="HighErrorRatio"'))
    t.push(10, alert("search", starts=10), alert("search", "Down", starts=10))
    assert told(t) == [(10, "opened")]
    assert one(t)["suppressed_total"] == 1


def test_a_free_alert_that_joins_pages_at_once() -> None:
    t = Timeline(SHOP)
    put(t, 0, silence('alertname="HighErrorRatio"', ends=6000))
    t.push(10, alert("search", starts=10))
    t.push(30, alert("search", instance="b", starts=10))
    assert told(t) == []
    t.push(60, alert("search", "Down", starts=60))
    assert told(t) == [(60, "opened:after SIL-A")]


def test_ending_or_changing_a_silence_lets_the_page_go_at_once() -> None:
    t = Timeline(SHOP)
    put(t, 0, silence('service="search"', ends=6000))
    t.push(10, alert("search", starts=10))
    expire(t, 100)
    assert told(t) == [(100, "opened:after SIL-A")]
    t = Timeline(SHOP)
    put(t, 0, silence('service="search"', ends=6000))
    t.push(10, alert("search", starts=10))
    put(t, 100, silence('service="cart"', ends=6000))
    assert told(t) == [(100, "opened:after SIL-A")]
    kept = t.engine.state.silences["SIL-A"]
    assert [(edit.op, edit.matchers) for edit in kept.history] == [
        ("put", 'service="search"'),
        ("put", 'service="cart"'),
    ]


def test_another_silence_takes_over_and_is_named() -> None:
    t = Timeline(SHOP)
    put(t, 0, silence('service="search"', ends=100))
    put(t, 0, silence('alertname="HighErrorRatio"', ends=300, name="SIL-B", author="bo"))
    t.push(10, alert("search", starts=10))
    t.wait(299)
    assert told(t) == []
    assert [by["id"] for by in one(t)["alerts"][0]["suppressed"]] == ["SIL-B"]
    t.wait(300)
    assert [reason for _, reason in told(t)] == [f"opened:after {not_paged(t)[-1].partition(':')[2]}"]


def test_what_is_over_by_then_is_never_paged() -> None:
    t = Timeline(SHOP)
    put(t, 0, silence('service="search"', ends=600))
    t.push(10, alert("search", starts=10))
    t.push(100, alert("search", starts=10, ends=90))
    t.wait(3000)
    assert told(t) == []
    assert one(t)["status"] == "resolved"
    assert one(t)["alerts"][0]["suppressed"] == []


def test_who_was_paged_hears_of_the_end_in_spite_of_a_silence() -> None:
    t = Timeline(SHOP)
    t.push(0, alert("search"))
    put(t, 5, silence('service="search"', ends=6000))
    t.push(100, alert("search", ends=90))
    t.wait(1000)
    assert [reason for _, reason in told(t)] == ["opened", "resolved"]


def test_a_reopening_is_held_and_told_later() -> None:
    t = Timeline(SHOP)
    t.push(0, alert("search"))
    t.push(10, alert("search", ends=9))
    t.wait(400)
    put(t, 401, silence('service="search"', starts=401, ends=900))
    t.push(410, alert("search", starts=410))
    t.wait(1000)
    assert told(t)[-1] == (900, "reopened:after SIL-A")


def test_an_acknowledgement_ends_what_is_owed() -> None:
    t = Timeline(SHOP)
    put(t, 0, silence('service="search"', ends=600))
    t.push(10, alert("search", starts=10))
    t.move(20, one(t)["id"], "acknowledged")
    t.wait(3000)
    assert told(t) == []


def test_a_silence_that_is_over_is_forgotten_after_five_days() -> None:
    t = Timeline(SHOP)
    put(t, 0, silence('service="search"', ends=600))
    t.wait(600 + 5 * 86400 - 1)
    assert "SIL-A" in t.engine.state.silences
    t.wait(600 + 5 * 86400)
    assert t.engine.state.silences == {}


def test_a_silence_still_to_come_holds_nothing_back() -> None:
    t = Timeline(SHOP)
    put(t, 0, silence('service="search"', starts=100, ends=600))
    t.push(10, alert("search", starts=10))
    assert [reason for _, reason in told(t)] == ["opened"]


def test_a_restart_from_a_checkpoint_goes_on_the_same() -> None:
    t = Timeline(SHOP)
    put(t, 0, silence('alertname="HighErrorRatio"', ends=600))
    t.push(10, alert("search", starts=10))
    t.fold.engine = type(t.engine)(t.engine.parse, copy_state(t.engine.state))
    t.push(100, alert("search", starts=10))
    t.wait(700)
    assert told(t) == [(600, "opened:after SIL-A")]


def test_ticks_between_records_change_nothing() -> None:
    def run(ticks: bool) -> str:
        t = Timeline(SHOP)
        put(t, 0, silence('service="search"', ends=600))
        t.push(10, alert("search", starts=10))
        for at in range(20, 900, 70) if ticks else ():
            t.wait(at)
        expire(t, 950)
        dismiss(t, 960, 2000)
        for at in range(970, 2900, 300) if ticks else ():
            t.wait(at)
        t.push(3000, alert("search", starts=10, ends=2990))
        t.wait(90_000)
        return t.digest()

    assert run(True) == run(False)


QUIET = """
rule: quiet-times
summary: test
windows:
  - {name: move, matchers: ['@service="search"'], reason: disks,
     from: "2026-03-02T08:00:00Z", to: "2026-03-02T08:10:00Z"}
  - {name: mornings, matchers: [service=mailer],
     intervals: [{times: [{start_time: "08:00", end_time: "08:30"}]}]}
"""


def test_maintenance_and_calendars_hold_back_until_they_end() -> None:
    t = Timeline(SHOP, rules={"111-quiet-times.yaml": QUIET})
    t.push(10, alert("search", starts=10))
    assert not_paged(t) == ["maintenance:move"]
    assert one(t)["alerts"][0]["suppressed"][0] == {
        "kind": "maintenance", "id": "move", "by": "rule quiet-times", "reason": "disks", "until": time(600),
    }  # fmt: skip
    t.push(20, alert("mailer", starts=20))
    t.wait(3600)
    assert told(t) == [(600, "opened:after move"), (1800, "opened:after mornings")]


def test_a_rule_that_goes_lets_pages_go() -> None:
    t = Timeline(SHOP, rules={"111-quiet-times.yaml": QUIET})
    t.push(10, alert("search", starts=10))
    t.configure(60, "rules", Timeline(SHOP).engine.world.config.documents["rules"])
    assert told(t) == [(60, "opened:after move")]


@pytest.mark.parametrize(
    ("severity", "starts", "state", "pages"),
    [
        ("warning", 100, "succeeded", [(1800, "opened:after {}")]),
        ("critical", 100, "succeeded", [(110, "opened")]),
        ("warning", 100, "failed", [(140, "opened")]),
        ("warning", -5, "succeeded", [(140, "opened")]),
    ],
)
def test_a_deploy_holds_back_warnings_that_came_after_it(
    severity: str, starts: float, state: str, pages: list[tuple[float, str]]
) -> None:
    t = Timeline(SHOP)
    t.changed(1, change("search", 0, state=state, ref="d1"))
    t.push(110, alert("search", starts=starts, severity=severity))
    t.wait(4000)
    [name] = t.engine.state.changes
    assert told(t) == [(at, reason.format(name)) for at, reason in pages]


def test_a_deploy_that_fails_lets_the_page_go_at_once_and_one_elsewhere_holds_nothing() -> None:
    t = Timeline(SHOP)
    t.changed(1, change("search", 0, state="started", ref="d1"))
    t.push(110, alert("search", starts=100, severity="warning"))
    t.wait(300)
    assert told(t) == []
    [name] = t.engine.state.changes
    t.changed(310, change("search", 0, state="failed", ref="d1"))
    assert told(t) == [(310, f"opened:after {name}")]
    t = Timeline(SHOP)
    t.changed(1, change("search", 0, environment="staging"))
    t.changed(1, change("search", 0, kind="configuration"))
    t.push(110, alert("search", starts=100, severity="warning", environment="prod"))
    t.wait(200)
    assert told(t) == [(140, "opened")]


def test_a_dismissed_incident_returns_when_time_is_up() -> None:
    t = Timeline(SHOP)
    t.push(0, alert("search"))
    dismiss(t, 60, 1000)
    assert one(t)["snoozed_until"] == time(1000)
    assert one(t)["alerts"][0]["suppressed"][0]["kind"] == "dismissal"
    t.wait(999)
    assert len(told(t)) == 1
    t.wait(1000)
    assert told(t)[1:] == [(1000, "returned:time_is_up")]
    assert one(t)["snoozed_until"] is None


def test_it_does_not_return_when_it_is_over() -> None:
    t = Timeline(SHOP)
    t.push(0, alert("search"))
    dismiss(t, 60, 1000)
    t.push(100, alert("search", ends=90))
    t.wait(5000)
    assert [reason for _, reason in told(t)] == ["opened", "resolved"]
    assert one(t)["snoozed_until"] is None


def test_it_returns_at_once_when_a_service_joins() -> None:
    t = Timeline(SHOP)
    t.push(0, alert("checkout"))
    dismiss(t, 60, 9000)
    t.push(90, alert("payments", starts=5))
    assert (90, "returned:more_services 2") in told(t)


def test_it_returns_at_once_when_it_gets_worse() -> None:
    t = Timeline(SHOP)
    t.push(0, alert("search", severity="warning"))
    t.wait(40)
    dismiss(t, 60, 9000)
    t.push(70, alert("search", "Other", starts=70, severity="warning"))
    assert len(told(t)) == 1
    t.push(90, alert("search", "Down", starts=85))
    assert told(t)[1] == (90, "returned:severity_raised P1")


def test_a_dismissal_before_the_first_page_and_one_taken_back() -> None:
    t = Timeline(SHOP)
    t.push(0, alert("search", severity="warning"))
    dismiss(t, 10, 9000)
    t.wait(100)
    assert not_paged(t) == [f"dismissed:{one(t)['id']}"]
    t._append(200, return_draft(one(t)["id"], "bo", "api"))
    assert told(t) == [(200, f"opened:after {one(t)['id']}")]
    assert [m["actor"] for m in one(t)["history"] if m["what"] in ("dismissed", "returned")] == ["ana", "bo"]


def test_when_a_dismissal_ends_a_silence_still_holds() -> None:
    t = Timeline(SHOP)
    t.push(0, alert("search"))
    put(t, 10, silence('service="search"', starts=10, ends=2000))
    dismiss(t, 60, 1000)
    t.wait(3000)
    assert told(t)[1:] == [(2000, "returned:time_is_up after SIL-A")]


def test_documents_are_the_same_in_whatever_order_alerts_come() -> None:
    rng = random.Random(2)
    alerts = [
        alert(service, name, severity=level, starts=start)
        for start, service in enumerate(("search", "mailer", "cart", "payments", "ledger"))
        for name, level in (("Slow", "warning"), ("Down", "critical"))
    ]
    seen = set()
    for _ in range(6):
        t = Timeline(SHOP)
        put(t, 0, silence('service=~"s.*"', ends=6000))
        put(t, 0, silence('alertname="Down", service!="cart"', ends=5000, name="SIL-B"))
        for row in rng.sample(alerts, len(alerts)) + rng.sample(alerts, 3):
            t.push(20, row)
        t.wait(700)
        seen.add(
            frozenset(
                (row["episode"], str(row["suppressed"]))
                for incident in t.incidents()
                for row in incident["alerts"]
            )
        )
    assert len(seen) == 1


@pytest.mark.parametrize(
    ("text", "starts", "ends", "why"),
    [
        ('a="x"', 100, 100, "not after it starts"),
        ('a="x"', -900, -200, "ago"),
        ('a=""', 0, 600, "almost everything"),
        ('a!="x"', 0, 600, "almost everything"),
        ('a=~".*"', 0, 600, "almost everything"),
        ('alertname=~".+"', 0, 600, "everything"),
        ('alertname!=""', 0, 600, "everything"),
        ('a="x", a="y"', 0, 600, "never hold together"),
        ('a="x", a!~"x|z"', 0, 600, "never hold together"),
        ("", 0, 600, "no matchers"),
        ('a="x", @nope="x"', 0, 600, "no '@nope' is known. Use @service, @environment"),
        ("@level=banana", 0, 600, "no alert has this level. Use critical, high, warning, info"),
        ('a="x", @level!="urgent"', 0, 600, "no alert has this level"),
        ('@level=~"crit|urgent"', 0, 600, "no alert has this level"),
    ],
)
def test_what_is_useless_or_far_too_much_is_refused(text: str, starts: float, ends: float, why: str) -> None:
    with pytest.raises(InputError, match=why):
        check_silence(silence(text, starts, ends), START)


def test_levels_that_there_are_are_taken() -> None:
    for text in ("@level=warning", '@level=~"warning|info"', '@level!="critical", a="x"', '@service="cart"'):
        assert check_silence(silence(text, 0, 600), START) == []


def test_a_long_one_warns_and_a_nameless_one_is_refused() -> None:
    assert check_silence(silence('a="x"', 0, 30 * DAY / SECOND), START) == []
    [warning] = check_silence(silence('a="x"', 0, 31 * DAY / SECOND), START)
    assert "30 days" in warning
    with pytest.raises(InputError, match="nobody"):
        check_silence(silence('a="x"', author=""), START)


def test_the_id_is_of_the_content_and_longer_when_it_is_taken() -> None:
    first = silence_id(silence('a="x", b="y"'))
    assert first == silence_id(silence('b="y", a="x"')) != silence_id(silence('a="x"'))
    longer = silence_id(silence('a="x", b="y"'), [first])
    assert longer.startswith(first)
    assert len(longer) == len(first) + 1


@pytest.mark.parametrize(
    "body",
    [
        {
            "op": "put",
            "id": "SIL-X",
            "matchers": ["a=x"],
            "starts_at": "soon",
            "ends_at": time(1),
            "author": "a",
        },
        {
            "op": "put",
            "id": "SIL-X",
            "matchers": ['a=~"("'],
            "starts_at": time(0),
            "ends_at": time(1),
            "author": "",
        },
        {"op": "put", "id": "SIL-X", "starts_at": time(0), "ends_at": time(1), "author": "a"},
        {"op": "put", "matchers": ["a=x"], "starts_at": time(0), "ends_at": time(1), "author": "a"},
        {"op": "dismiss", "author": "a", "ends_at": time(9)},
        {"op": "dismiss", "incident": "INC-1", "author": "a"},
        {"op": "hush", "id": "SIL-X", "author": "a"},
        {"op": "expire", "id": "SIL-X"},
    ],
)
def test_a_record_that_cannot_be_read_changes_nothing(body: dict[str, Any]) -> None:
    t = Timeline(SHOP)
    before = t.engine.state.seq
    with pytest.raises(InputError):
        t._append(5, json_draft("silence", "api", body))
    assert (t.engine.state.seq, t.engine.state.silences) == (before, {})


def test_records_of_what_is_not_there_have_no_effect() -> None:
    t = Timeline(SHOP)
    t._append(1, expire_draft("SIL-GONE", "ana", "api"))
    t._append(2, return_draft("INC-GONE", "ana", "api"))
    t.push(3, alert("search"))
    t._append(4, return_draft(one(t)["id"], "ana", "api"))
    dismiss(t, 5, 4)
    assert [reason for _, reason in told(t)] == ["opened"]
    assert one(t)["snoozed_until"] is None


def test_the_same_records_give_the_same_bytes() -> None:
    def run() -> tuple[str, list[Record]]:
        t = Timeline(SHOP)
        put(t, 0, silence('service=~"search|cart"', ends=600))
        t.push(10, alert("search", starts=10), alert("cart", starts=10))
        dismiss(t, 20, 300)
        t.wait(5000)
        return t.digest(), t.records

    digest, records = run()
    fold = Fold(Timeline(SHOP).engine.parse, "test")
    for record in records:
        fold.apply(record)
    fold.advance(START + 5000 * SECOND)
    assert run()[0] == digest
    assert [row["reason"] for row in fold.decisions if row["kind"] == "notify"] != []


def test_the_examples_of_the_page_are_read() -> None:
    text = (Path(__file__).parents[2] / "docs" / "silences.md").read_text()
    examples = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    assert len(examples) == 2
    for example in examples:
        files = {**rules_content(None)["files"]}
        own = {"mine.yaml": example}
        rules = parse_rules(overlay(files, own))
        assert example in rules.texts.values()


def test_what_an_erased_record_said_is_forgotten_and_what_it_decided_stays() -> None:
    t = Timeline(SHOP)
    put(t, 0, silence('service="search"', ends=9000, comment="lena's secret plans"))
    t.push(10, alert("search", starts=10))
    name = one(t)["id"]
    t._append(20, dismiss_draft(name, START + 900 * SECOND, "ana", "lena is away", "api"))
    world = t.engine.world
    for record in (t.records[-3], t.records[-1]):
        said = said_by(world, record, [])
        forget(Turn(world, t.now, 99, []), Forget(record.seq, "", "op"), said)
    text = str(msgspec.to_builtins(world.state.silences)) + str(one(t))
    assert "lena" not in text
    assert text.count(ERASED) >= 3
    suppressed_by = one(t)["alerts"][0]["suppressed"]
    assert [(by["kind"], by["by"]) for by in suppressed_by] == [("dismissal", "ana"), ("silence", "ana")]


def test_explaining_an_alert_says_what_suppresses_it() -> None:
    t = Timeline(SHOP)
    put(t, 0, silence('service="search"'))
    t.push(10, alert("search", starts=10))
    [row] = explain_alert(t.engine.world, one(t)["alerts"][0]["fingerprint"])
    assert [by["id"] for by in row["suppressed"]] == ["SIL-A"]


def test_a_recording_may_hold_silences() -> None:
    lines = [
        {"at": time(0), "source": "api", "kind": "silence", "body": {
            "op": "put", "id": "SIL-A", "author": "ana", "matchers": ["service=search"],
            "starts_at": time(0), "ends_at": time(500)}},
        {"at": time(10), "source": "alertmanager", "body": {
            "version": "4", "alerts": [alert("search", starts=10)]}},
        {"at": time(600), "source": "api", "kind": "silence", "body": {
            "op": "expire", "id": "SIL-A", "author": "a"}},
    ]  # fmt: skip
    drafts = [config_draft("rules", rules_content(None))]
    document = replay_file(map(json.dumps, lines), parse, drafts, "test")
    told = [one for one in document["decisions"] if one["kind"] == "notify"]
    assert (told[0]["at"], told[0]["reason"]) == (time(500), "opened:after SIL-A")
    broken = [{**lines[0], "body": {"op": "put", "id": "SIL-A", "author": "a"}}]
    with pytest.raises(EventLineError, match="line 1"):
        replay_file(map(json.dumps, broken), parse, drafts, "test")


def test_journals_from_before_hold_nothing_back() -> None:
    files = rules_content(None)["files"]
    rules = parse_rules({name: text for name, text in files.items() if not name.startswith("11")})
    assert (rules.inhibition.inhibitions, rules.quiet_times.windows, rules.deploy_silence.lasts) == (
        (),
        (),
        0,
    )


@pytest.mark.parametrize(
    ("window", "why"),
    [
        ("{name: a, matchers: [x=y]}", "either"),
        ('{name: a, matchers: [x=y], from: "2026-03-02T08:00:00Z"}', "must be after"),
        (
            '{name: a, matchers: [x=y], from: "2026-03-02T08:00:00Z", to: "2026-03-02T08:00:00Z"}',
            "must be after",
        ),
        ('{name: a, matchers: [x=y], from: "2026-03-02", to: "2026-03-03T08:00:00Z"}', "from"),
        ('{name: a, matchers: [], from: "2026-03-02T08:00:00Z", to: "2026-03-03T08:00:00Z"}', "matchers"),
        ("{name: a, matchers: [x=y], intervals: [{location: Mars/Base}]}", "location"),
    ],
)
def test_a_mistake_in_quiet_times_is_named(window: str, why: str) -> None:
    text = f"rule: quiet-times\nsummary: x\nwindows:\n  - {window}\n"
    with pytest.raises(RuleError, match=why):
        parse_rules({**rules_content(None)["files"], "111-quiet-times.yaml": text})


def test_a_silenced_alert_that_makes_enough_of_them_frees_those_before() -> None:
    rule = (
        "rule: threshold\nsummary: x\nthresholds:\n"
        "  - {name: pair, matchers: [alertname=HighErrorRatio], alerts: 2}\n"
    )
    t = Timeline(SHOP, rules={"086-threshold.yaml": rule})
    put(t, 0, silence("alertname=Down", ends=9000))
    t.push(10, alert("search", starts=10))
    t.wait(60)
    assert (told(t), not_paged(t)) == ([], ["too_few:pair"])
    t.push(70, alert("search", "Down", starts=70))
    assert told(t) == [(70, "opened:after pair")]


def test_many_held_alerts_are_not_looked_at_again_for_each_that_comes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Counted: an incident of silenced alerts grows without looking at all of them each time."""
    asked = 0
    ask = suppressed

    def counting(*given: Any) -> Any:
        nonlocal asked
        asked += 1
        return ask(*given)

    monkeypatch.setattr("core.suppression.holding.suppressed", counting)
    t = Timeline(SHOP)
    put(t, 0, silence('service="search"', ends=60_000))
    for n in range(200):
        t.push(10 + n, alert("search", starts=10 + n / 10, instance=str(n)))
    assert len(one(t)["alerts"]) == 200
    assert asked < 500
