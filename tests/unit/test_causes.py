"""What people say caused an incident: the latest word counts, later changes learn, nothing is decided."""

from __future__ import annotations

from typing import Any

from core.risk.knowledge import known_of
from core.risk.known import HotFile, Known, PastChange
from core.times import DAY
from tests.judged import HEAD, REPOSITORY, Judging, check
from tests.objectives import told
from tests.timeline import SHOP, START, alert, change
from tests.unit.test_risk_incident import story

FREEZE = """
rule: freeze
summary: s
windows:
  - {name: always, reason: why, start: 2026-01-01, end: 2026-12-31}
  - {name: carts, reason: why, services: [cart], start: 2026-01-01, end: 2026-12-31}
  - {name: past, reason: why, start: 2025-01-01, end: 2025-01-02}
low_budget: true
"""


def blamed(*, caused: bool = True) -> tuple[Judging, str, str]:
    t = story()
    [incident] = t.incidents()
    name, suspect = incident["id"], incident["changes"][0]["id"]
    t.blame(100, name, suspect, caused=caused)
    return t, name, suspect


def known(t: Judging, *services: str, files: tuple[str, ...] = (), repository: str = REPOSITORY) -> Known:
    return known_of(t.engine.world, services, frozenset(files), t.now, repository=repository)


def test_a_word_stands_in_the_document_and_the_history_and_decides_nothing() -> None:
    t, _, suspect = blamed()
    plain = story()
    [incident] = t.incidents()
    [cause] = incident["causes"]
    assert {key: cause[key] for key in ("change", "caused", "actor", "reason", "service")} == {
        "change": suspect, "caused": True, "actor": "ana", "reason": "because", "service": "payments",
    }  # fmt: skip
    assert incident["history"][-1]["what"] == "cause_confirmed"
    assert (t.pages(), incident["findings"]) == (plain.pages(), plain.incidents()[0]["findings"])
    assert "causes" not in plain.incidents()[0]
    t.wait(4_000)
    plain.wait(4_000)
    assert (t.pages(), t.incidents()[0]["clocks"]) == (plain.pages(), plain.incidents()[0]["clocks"])


def test_the_last_word_of_a_person_counts() -> None:
    t, name, suspect = blamed()
    assert [past.id for past in known(t).past_changes] == [suspect]
    t.blame(200, name, suspect, caused=False, actor="ben", why="it was the disk")
    [incident] = t.incidents()
    assert [(one["actor"], one["caused"]) for one in incident["causes"]] == [("ben", False)]
    assert known(t) == Known(now=t.now)
    t.blame(300, name, suspect, actor="cy")
    assert [one["actor"] for one in t.incidents()[0]["causes"]] == ["cy"]
    assert len(known(t).past_changes) == 1


def test_what_is_not_known_is_not_taken() -> None:
    t, name, _ = blamed()
    before = len(t.engine.state.taught)
    t.blame(200, name, "chg-nothing")
    t.blame(200, "INC-NONE", "chg-nothing")
    assert (len(t.engine.state.taught), len(t.incidents()[0]["causes"])) == (before, 1)


def test_later_changes_learn_from_it_when_the_incident_is_gone() -> None:
    t, name, suspect = blamed()
    hot = (HotFile("app/pay.py", (name,), 1), HotFile("migrations/7.sql", (name,), 1))
    past = PastChange(
        suspect, name, START - 60_000, "Drop the old column", ("migrations/7.sql", "app/pay.py"),
        ("sql-drop-column",),
    )  # fmt: skip
    assert (known(t).hot_files, known(t).past_changes) == (hot, (past,))
    t.push(700, alert("payments", ends=690), alert("checkout", starts=15, ends=690))
    t.wait(40 * DAY / 1_000)
    assert (t.engine.state.incidents, t.engine.state.assessments) == ({}, {})
    t.changed(40 * DAY / 1_000, change("mailer", 40 * DAY / 1_000))
    assert (known(t).hot_files, known(t).past_changes) == (hot, (past,))
    assert t.fold.forgotten[-1]["causes"][0]["change"] == suspect
    assert known(t, repository="acme/other").past_changes == ()
    assert known(t, "cart", repository="").past_changes == ()
    assert known(t, "payments", repository="").past_changes == (past,)
    assert [one.path for one in known(t, files=("app/pay.py",)).hot_files] == ["app/pay.py"]
    late = known_of(t.engine.world, (), (), START + 731 * DAY, repository=REPOSITORY)
    assert late.past_changes == ()


def test_a_word_may_come_after_the_incident_has_left() -> None:
    t = story()
    [incident] = t.incidents()
    t.push(700, alert("payments", ends=690), alert("checkout", starts=15, ends=690))
    t.wait(3 * DAY / 1_000)
    assert not t.engine.state.incidents
    t.blame(3 * DAY / 1_000 + 1, incident["id"], incident["changes"][0]["id"])
    assert [one.incident for one in known(t).past_changes] == [incident["id"]]


def test_changes_to_a_hot_file_are_counted_as_they_go_out() -> None:
    t, _, _ = blamed()
    t.judge(200, check(head="b" * 40, files=["app/pay.py"]), check(head="c" * 40, files=["app/pay.py"]))
    t.changed(300, change("payments", 300, version="b" * 40))
    assert {one.path: one.changes for one in known(t).hot_files} == {"app/pay.py": 2, "migrations/7.sql": 1}


def test_an_assessment_that_comes_late_still_teaches() -> None:
    t = story(judged=False)
    [incident] = t.incidents()
    t.blame(100, incident["id"], incident["changes"][0]["id"])
    assert known(t).past_changes == ()
    t.judge(200, check())
    assert known(t).past_changes[0].files == ("migrations/7.sql", "app/pay.py")


def test_a_merge_takes_the_words_along_and_the_later_one_stays() -> None:
    t = Judging(SHOP)
    t.judge(-500, check())
    t.changed(-60, change("payments", -60, version=HEAD))
    t.push(0, alert("payments"))
    t.push(5, alert("mailer", starts=5))
    first, second = (row["id"] for row in t.incidents())
    [suspect] = t.engine.state.changes
    t.blame(10, first, suspect, caused=False)
    t.blame(20, second, suspect)
    t.move(30, second, "merged", into=first)
    [kept] = t.incidents()
    assert [one["caused"] for one in kept["causes"]] == [True]
    assert [one.incident for one in known(t).past_changes] == [kept["id"]]
    t.blame(40, kept["id"], suspect, caused=False)
    assert known(t).past_changes == ()


def test_services_are_told_of_by_the_names_that_were_asked() -> None:
    t = Judging(SHOP)
    t.push(0, alert("payments"))
    found = known(t, "Payments-Service", "payments", "nobody")
    first, second, third = found.services
    assert (first.name, first.dependants, first.tier, len(first.incidents)) == ("Payments-Service", 1, 1, 1)
    assert (second.incidents, third.incidents, third.dependants) == (first.incidents, (), 0)
    [incident] = t.incidents()
    assert (first.incidents[0].id, first.incidents[0].title) == (incident["id"], incident["title"])


def test_budgets_and_freezes() -> None:
    t = Judging(SHOP, rules={"130-freeze.yaml": FREEZE})
    body: Any = told(None, budget_spent=0.95)
    t.changed(0, change("mailer", 0))
    assert [one.name for one in known(t, "payments").freezes] == ["always"]
    assert [one.name for one in known(t, "cart").freezes] == ["always", "carts"]
    t.tell_objective(5, body)
    found = known(t, "payments")
    assert [(one.slo, one.left) for one in found.services[0].budgets] == [("availability", 50)]
    assert [one.name for one in found.freezes] == ["always", "low budget: payments"]
    assert [one.name for one in known(t, "cart").freezes] == ["always", "carts"]


def test_before_there_are_rules_nothing_is_known() -> None:
    t = Judging(SHOP)
    t.engine.state.documents.pop("rules")
    assert known(t, "payments").freezes == ()
