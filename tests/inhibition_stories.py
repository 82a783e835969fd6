"""Stories of alerts that inhibit each other: told, relabelled, ended by word and by silence, merged, split,
under rules that change. Hypothesis draws the steps; `play` tells them to an engine.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from hypothesis import strategies as st

from core.config import config_draft
from core.engine import Engine
from core.journal import Draft, Record
from core.model.events import AlertEvent, Parsed
from core.rules.quiet import InhibitionRow
from core.state import State
from core.suppression.returning import look_at_all
from core.times import SECOND
from core.world import Turn
from tests.timeline import SHOP, START, Timeline
from watchkeeper.files import rules_content

FILE = "110-inhibition.yaml"
SERVICES = ("mailer", "search", "payments", "ledger")
NAMES, ZONES = ("Down", "Slow", "Both"), ("a", "b")
DOWN = {"name": "down", "source": ["alertname=Down"], "target": ['alertname=~"Slow|Both"'], "equal": ["zone"]}
BOTH = {"name": "both", "source": ['alertname=~"Both|Down"'], "target": ['alertname=~"Both|Slow"']}
CRITICAL = {"name": "level", "source": ["severity=critical"], "target": ["severity=warning"]}
# One rule at a time, so that whatever holds a page back has one name.
Sets = tuple[list[dict[str, Any]], ...]
ALONE: Sets = ([DOWN], [{**BOTH, "equal": ["zone"]}], [BOTH], [CRITICAL], [])
TOGETHER: Sets = (
    [DOWN, BOTH],
    [DOWN, {**BOTH, "equal": ["zone"]}, CRITICAL],
    [{**DOWN, "equal": []}, CRITICAL],
)

Story = list[tuple[Any, ...]]
_number = st.integers(0, 5)
_fires = st.tuples(
    st.just("fires"),
    st.sampled_from(SERVICES),
    st.sampled_from(NAMES),
    st.sampled_from(ZONES),
    st.sampled_from(["critical", "warning"]),
    st.sampled_from([0, 0, 0, 600]),
)
_again = st.tuples(
    st.just("again"), _number, st.sampled_from(ZONES), st.sampled_from(["critical", "high", "warning"])
)
_ends = st.tuples(st.just("ends"), _number)
_some = st.one_of(_fires, _fires, _fires, _ends, _ends, _again)
_told = st.tuples(st.just("told"), st.lists(_some, min_size=1, max_size=3))
_people = st.tuples(st.sampled_from(["merged", "split", "acknowledged", "resolved"]), _number, _number)
_rules = st.tuples(st.just("rules"), st.integers(0, 4))
_steps = st.one_of(*[_told] * 10, _people, _rules)
stories = st.lists(st.tuples(st.sampled_from([1, 5, 40, 200, 400]), _steps), min_size=14, max_size=24)


def read(record: Record, mappings: Mapping[str, str]) -> Parsed:
    """Bodies are alerts as the engine takes them."""
    return Parsed(msgspec.json.decode(record.payload, type=tuple[AlertEvent, ...]))


def rules_of(rows: list[dict[str, Any]]) -> dict[str, Any]:
    content: dict[str, Any] = rules_content(None)
    rule = {"rule": "inhibition", "summary": "test", "inhibitions": rows}
    content["files"][FILE] = msgspec.json.encode(rule).decode()
    return content


class Played:
    """An engine to which stories are told. `ask_all`: after each step all held pages are asked about anew."""

    def __init__(self, sets: Sets, *, ask_all: bool = False) -> None:
        self.sets, self.ask_all = sets, ask_all
        self.t, self.now = Timeline(SHOP), 0.0
        self.t.engine.parse = self.t.fold._parse = read
        self.rows: list[InhibitionRow] = []
        # Those that were not told to have ended.
        self.alerts: list[AlertEvent] = []
        self.count = 0
        self.configure(0)

    def step(self, later: float, what: tuple[Any, ...]) -> None:
        self.now += later
        self.t.wait(self.now - 0.5)
        match what[0]:
            case "told":
                events = [one for row in what[1] for one in self.event(*row)]
                self.t._append(self.now, Draft("ingest", "own", msgspec.json.encode(events)))
            case "rules":
                self.configure(what[1])
            case _:
                self.people(*what)
        if self.ask_all:
            self.ask_about_all()

    def event(self, kind: str, *given: Any) -> list[AlertEvent]:
        now = START + int(self.now * SECOND)
        if kind == "fires":
            service, name, zone, severity, lasts = given
            labels = {"alertname": name, "service": service, "zone": zone, "severity": severity}
            self.count += 1
            labels["instance"] = str(self.count)
            lease = now + lasts * SECOND if lasts else None
            one = AlertEvent(labels, "firing", 0, now, None, lease, identity=("instance",))
            self.alerts.append(one)
            return [one]
        if not self.alerts:
            return []
        number = given[0] % len(self.alerts)
        told = self.alerts[number]
        if kind == "ends":
            del self.alerts[number]
            return [msgspec.structs.replace(told, status="resolved", ends_at=now, lease_until=None)]
        labels = {**told.labels, "zone": given[1], "severity": given[2]}
        self.alerts[number] = again = msgspec.structs.replace(told, labels=labels)
        return [again]

    def configure(self, which: int) -> None:
        rows = self.sets[which % len(self.sets)]
        self.rows = [InhibitionRow(**row) for row in rows]
        self.t._append(self.now, config_draft("rules", rules_of(rows)))

    def people(self, to: str, which: int, other: int) -> None:
        incidents = sorted(self.t.engine.state.incidents.values(), key=lambda one: one.id)
        if not incidents:
            return
        one, into = (incidents[number % len(incidents)] for number in (which, other))
        if to == "merged" and one is not into:
            self.t.move(self.now, one.id, to, into=into.id)
        elif to == "split" and len(one.members) > 1:
            self.t.move(self.now, one.id, to, alerts=tuple(one.members[-1:]))
        elif to in ("acknowledged", "resolved"):
            self.t.move(self.now, one.id, to)

    def ask_about_all(self) -> None:
        state = self.t.engine.state
        look_at_all(Turn(self.t.engine.world, state.clock, state.seq, []))
        self.t.fold.advance(state.clock)

    def restart(self) -> None:
        state = msgspec.json.decode(self.encoded(), type=State)
        self.t.fold.engine = Engine(read, state, on_forgotten=self.t.fold.forgotten.append)

    def encoded(self) -> bytes:
        return msgspec.json.encode(self.t.engine.state, order="deterministic")

    def pages(self) -> list[tuple[str, str, str]]:
        """Time, incident and reason of each page."""
        return [(one["at"], one["subject"], one["reason"]) for one in self.t.decisions("notify")]

    def held_back(self) -> list[tuple[str, str, str, str]]:
        """Time, incident, what held a page back, and which, as the histories have it."""
        rows = [
            (row["at"], incident["id"], row["reason"], row["detail"])
            for incident in self.t.incidents()
            for row in incident["history"]
            if row["what"] == "not_paged"
        ]
        return sorted(rows)
