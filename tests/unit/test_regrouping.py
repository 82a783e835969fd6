"""Grouping after the fact: what is heard late, changes that move, reloads, splits, closed incidents."""

from __future__ import annotations

from connectors.inbound.registry import parse
from core.engine import Engine
from core.journal import Draft, Record
from core.model.events import AlertEvent, Parsed
from core.rules.loader import parse_rules
from core.times import SECOND
from tests.restarts import copy_state
from tests.timeline import SHOP, START, Timeline, alert, change
from watchkeeper.files import rules_content

HOUR = 3_600


def names(t: Timeline) -> list[list[str]]:
    return sorted(sorted(row["name"] for row in one["alerts"]) for one in t.incidents())


def test_a_split_by_a_person_hides_no_link_from_a_regrouping() -> None:
    t = Timeline(SHOP)
    for name, starts in (("A1", 0), ("B", 10), ("A2", 20), ("X", 60)):
        t.push(70, alert("payments", name, starts=starts))
    [incident] = t.incidents()
    apart = next(row["episode"] for row in incident["alerts"] if row["name"] == "B")
    t.move(80, incident["id"], "split", alerts=(apart,))
    t.push(90, alert("payments", "X", starts=-3000, ends=-2990))
    assert names(t) == [["A1", "A2"], ["B"], ["X", "X"]]


def test_what_was_together_at_a_reload_stays_so() -> None:
    t = Timeline(SHOP)
    for name, starts in (("A", 0), ("B", 300), ("X", 310)):
        t.push(320, alert("payments", name, starts=starts))
    assert names(t) == [["A", "B", "X"]]
    content = rules_content(None)
    narrow = content["files"]["010-same-entity.yaml"].replace(
        "whole_service_window: 15m", "whole_service_window: 2m"
    )
    content["files"]["010-same-entity.yaml"] = narrow
    parse_rules(content["files"])
    t.configure(330, "rules", content)
    t.push(340, alert("payments", "X", starts=-3000, ends=-2990))
    assert [name for name in names(t)[0] if name != "X"] == ["A", "B"]


def test_a_change_that_moves_takes_its_link_along() -> None:
    """Told in either order, the same groups."""
    started = change("payments", 0, ref="r1", state="started")
    done = change("payments", 240, ref="r1", state="succeeded")
    found = []
    for tellings in ((started, done), (done, started)):
        t = Timeline(SHOP)
        t.push(760, alert("payments", starts=650), alert("checkout", starts=760))
        for body in tellings:
            t.changed(770, body)
        found.append(names(t))
        assert len(t.incidents()) == 2
    assert found[0] == found[1]


def test_an_alert_that_goes_on_reopens_even_a_closed_incident() -> None:
    t = Timeline(SHOP)
    t.push(0, alert("payments"))
    t.push(60, alert("payments", ends=50))
    t.wait(500)
    [incident] = t.incidents()
    t.move(510, incident["id"], "closed")
    assert t.incidents()[0]["status"] == "closed"
    episode = next(iter(t.engine.state.episodes.values()))
    episode.silent_end = True  # It had ended by silence.
    t.push(520, alert("payments"))
    [incident] = t.incidents()
    assert (incident["status"], incident["closed_at"]) == ("triggered", None)
    assert t.pages()[-1] == (520, "reopened")
    t.push(530, alert("checkout", starts=30))
    assert len(t.incidents()) == 1


def test_a_closed_incident_that_fires_waits_without_a_reopen_window_too() -> None:
    rules = rules_content(None)["files"]["060-lifecycle.yaml"].replace(
        "reopen_window: 30m", "reopen_window: 0s"
    )
    t = Timeline(SHOP, rules={"060-lifecycle.yaml": rules})
    t.push(0, alert("payments"))
    [incident] = t.incidents()
    t.move(10, incident["id"], "resolved")
    t.move(20, incident["id"], "closed")
    t.wait(600)
    assert [one["status"] for one in t.incidents()] == ["closed"]


def test_who_waits_to_settle_waits_as_long_as_the_rules_in_force_say() -> None:
    content = rules_content(None)
    slow = content["files"]["060-lifecycle.yaml"].replace("settle: 100s", "settle: 7h")
    t = Timeline(SHOP, rules={"060-lifecycle.yaml": slow})
    t.push(0, alert("payments"))
    t.configure(200, "rules", content)
    t.wait(201)
    [row] = t.incidents()[0]["alerts"]
    assert row["decided_at"] == "2026-03-02T08:03:20.000Z"


def test_labels_that_change_while_an_alert_fires_link_nothing() -> None:
    """Neither the order of the tellings nor a restart between them matters."""

    def told(name: str, starts: int, host: str, severity: str, identity: tuple[str, ...]) -> AlertEvent:
        labels = {
            "alertname": name,
            "service": "payments",
            "monitor": "1",
            "host": host,
            "severity": severity,
        }
        return AlertEvent(labels, "firing", starts_at=START + starts * SECOND, identity=identity)

    ours = ("alertname", "monitor")
    first = told("Slow", 0, "h1", "warning", ours)
    worse = told("Slow", 0, "h2", "critical", ours)
    other = told("Errors", 100, "h2", "warning", ())
    groups = set()
    for order in ((first, worse, other), (worse, first, other)):
        for restart in (False, True):
            events = dict(enumerate(order, 10))

            def read(record: Record, mappings: object, events: dict[int, AlertEvent] = events) -> Parsed:
                return Parsed((events[record.seq],)) if record.seq in events else parse(record, {})

            t = Timeline(SHOP)
            t.fold._parse = t.fold.engine.parse = read
            t.seq = 9
            for place in range(3):
                if restart and place == 2:
                    t.fold.engine = Engine(read, copy_state(t.engine.state))
                t._append(200, Draft("ingest", "fake", b"{}"))
            groups.add(tuple(map(tuple, names(t))))
    assert len(groups) == 1
