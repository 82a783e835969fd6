"""Inhibition: the same as going through all alerts by its definition; and what pages because of it."""

from __future__ import annotations

import random
from collections.abc import Callable
from time import perf_counter

import msgspec
import pytest

from core.errors import RuleError
from core.journal import Draft, json_draft
from core.model.events import AlertEvent, Parsed
from core.model.incident import Episode
from core.rules.loader import parse_rules
from core.rules.quiet import InhibitionRow
from core.suppression.inhibition import Inhibitors
from core.suppression.matchers import Matchers, parse_all
from core.suppression.silencing import SilenceOp
from tests.timeline import SHOP, START, Timeline, alert, time
from tests.unit.test_matchers import brute, episode
from watchkeeper.files import rules_content

RULE = """
rule: inhibition
summary: test
inhibitions:
  - {name: down-over-slow, source: [alertname=Down], target: ['alertname=~"Slow|High.*"'], equal: [cluster]}
"""


def no_rules() -> str:
    return "rule: inhibition\nsummary: none\ninhibitions: []\n"


def timeline(rule: str) -> Timeline:
    return Timeline(SHOP, rules={"110-inhibition.yaml": rule})


NAMES, VALUES = ("a", "b", "c", "d"), ("x", "y")


def some_rules(rng: random.Random) -> list[InhibitionRow]:
    def side() -> list[str]:
        return [
            f'{name}{rng.choice(("=", "!=", "=~"))}"{rng.choice(VALUES)}"'
            for name in rng.sample(NAMES, rng.randint(1, 2))
        ]

    return [
        InhibitionRow(
            name=f"r{number}", source=side(), target=side(), equal=rng.sample(NAMES, rng.randint(0, 2))
        )
        for number in range(rng.randint(1, 4))
    ]


def expected(rows: list[InhibitionRow], episodes: list[Episode], target: Episode) -> list[tuple[str, str]]:
    """Alertmanager's `Mutes`, by going through everything."""
    found = []
    for row in rows:
        source_side, target_side = parse_all(row.source), parse_all(row.target)
        if not brute(target_side, target.labels):
            continue
        both = brute(source_side, target.labels)
        for one in sorted(episodes, key=lambda one: (one.starts_at, one.id)):
            if one.status != "firing" or not brute(source_side, one.labels):
                continue
            if any(one.labels.get(name, "") != target.labels.get(name, "") for name in row.equal):
                continue
            if both and brute(target_side, one.labels):
                continue
            found.append((row.name, one.id))
            break
    return found


def test_it_finds_what_going_through_all_alerts_finds_in_any_order_of_filing() -> None:
    rng = random.Random(11)
    inhibitions = 0
    for _ in range(250):
        rows = some_rules(rng)
        episodes = [
            episode(n, {name: rng.choice(VALUES) for name in NAMES if rng.random() < 0.8}) for n in range(8)
        ]
        inhibitors = Inhibitors(rows)
        for one in rng.sample(episodes, 8) + episodes[:2]:
            inhibitors.take(one)
        by_id = {one.id: one for one in episodes}
        for one in rng.sample(episodes, 3):
            one.status = rng.choice(("resolved", "unknown", "firing"))
        for one in rng.sample(episodes, 2):
            one.labels = {name: rng.choice(VALUES) for name in NAMES}
            inhibitors.take(one)
        for one in episodes:
            found = inhibitors.of(by_id, one)
            got = [(rule.name, source.id) for rule, source, _ in found]
            assert got == expected(rows, episodes, one)
            inhibitions += len(got)
    assert inhibitions > 100


def test_a_warning_pages_nobody_while_the_critical_one_fires_and_at_once_when_it_ends() -> None:
    rule = RULE.replace("alertname=Down", "severity=critical").replace(
        "'alertname=~\"Slow|High.*\"'", "severity=warning"
    )
    t = timeline(rule)
    t.push(0, alert("search", "Down", severity="critical"))
    t.push(10, alert("mailer", "Slow", starts=10, severity="warning"))
    t.wait(300)
    mailer = next(one for one in t.incidents() if one["services"][0]["service"] == "mailer")
    assert [subject_of(t, one) for one in t.decisions("notify")] == ["search"]
    assert [row["kind"] for row in mailer["alerts"][0]["suppressed"]] == ["inhibition"]
    assert mailer["alerts"][0]["suppressed"][0]["id"] == "down-over-slow"
    assert mailer["suppressed_total"] == 1
    assert [m["reason"] for m in mailer["history"] if m["what"] == "not_paged"] == [
        "inhibited:down-over-slow"
    ]
    t.push(400, alert("search", "Down", severity="critical", ends=399))
    assert [(subject_of(t, one), one["reason"]) for one in t.decisions("notify")] == [
        ("search", "opened"),
        ("mailer", "opened:after down-over-slow"),
    ]
    assert t.decisions("notify")[1]["at"].endswith("08:06:40.000Z")


def subject_of(t: Timeline, decision: dict[str, object]) -> str:
    return str(
        next(one for one in t.incidents() if one["id"] == decision["subject"])["services"][0]["service"]
    )


def test_an_alert_on_both_sides_is_not_inhibited_by_one_on_both_sides() -> None:
    t = timeline(
        "rule: inhibition\nsummary: t\ninhibitions:\n"
        '  - {name: any, source: [alertname=~"Down.*"], target: [alertname=~"Down.*"]}\n'
    )
    t.push(0, alert("search", "DownA"), alert("mailer", "DownB"))
    assert all(not row["suppressed"] for one in t.incidents() for row in one["alerts"])
    assert len(t.decisions("notify")) == 2


def test_it_never_crosses_domains() -> None:
    t = timeline(RULE)
    t.push(0, alert("search", "Down"), domain="east")
    t.push(5, alert("mailer", "Slow", starts=5), domain="west")
    t.wait(60)
    assert len(t.decisions("notify")) == 2


def test_the_shipped_rule_wants_the_same_alert_of_the_same_service() -> None:
    t = Timeline(SHOP)
    t.push(0, alert("search", "Slow", severity="critical"), alert("mailer", "Slow", severity="warning"))
    t.push(
        1,
        alert("search", "Slow", severity="warning", starts=1),
        alert("search", "Other", severity="warning", starts=1),
    )
    rows = {
        (row["name"], row["service"], row["labels"]["severity"]): [by["id"] for by in row["suppressed"]]
        for one in t.incidents()
        for row in one["alerts"]
    }
    assert rows == {
        ("Slow", "search", "critical"): [],
        ("Slow", "search", "warning"): ["critical-over-warning"],
        ("Other", "search", "warning"): [],
        ("Slow", "mailer", "warning"): [],
    }


def test_an_alert_that_turns_critical_inhibits_from_then_on() -> None:
    """Labels that do not identify an alert may change while it fires."""
    t = timeline(no_rules())
    t.push(0, alert("search", "Slow", severity="warning"))
    one = next(iter(t.engine.state.episodes.values()))
    inhibitors = Inhibitors(
        [InhibitionRow(name="r", source=["severity=critical"], target=["alertname=Slow"])]
    )
    inhibitors.take(one)
    other = episode(9, {"alertname": "Slow", "severity": "info"})
    assert not inhibitors.of({one.id: one}, other)
    one.labels = {**one.labels, "severity": "critical"}
    inhibitors.take(one)
    other.entity = one.entity
    assert [found.source.id for found in inhibitors.of({one.id: one}, other)] == [one.id]
    one.labels = {**one.labels, "severity": "warning"}
    assert not inhibitors.of({one.id: one}, other)


def test_documents_do_not_depend_on_the_order_of_arrival() -> None:
    rng = random.Random(5)
    alerts = [
        alert(service, name, severity=severity, starts=start)
        for service, name, severity, start in (
            ("search", "Slow", "critical", 0),
            ("search", "Slow", "warning", 4),
            ("mailer", "Slow", "info", 2),
            ("mailer", "Slow", "critical", 3),
            ("cart", "HighLoad", "warning", 1),
            ("cart", "HighLoad", "critical", 5),
        )
    ]
    rule = RULE.replace("alertname=Down", "severity=critical")
    seen = set()
    for _ in range(8):
        t = timeline(rule)
        for one in rng.sample(alerts, len(alerts)):
            t.push(20, one)
        t.wait(700)
        rows = {
            (row["episode"], tuple((by["id"], by["by"], by["reason"]) for by in row["suppressed"]))
            for incident in t.incidents()
            for row in incident["alerts"]
        }
        seen.add(frozenset(rows))
    assert len(seen) == 1
    assert sum(bool(by) for _, by in next(iter(seen))) == 3


def retelling(t: Timeline) -> Callable[..., None]:
    """Tells alerts of which only host and name say which alert it is."""

    def tell(at: float, host: str, severity: str, name: str = "Slow") -> None:
        labels = {"alertname": name, "host": host, "severity": severity, "service": host}
        event = AlertEvent(labels=labels, status="firing", starts_at=START, identity=("host",))
        t.engine.parse = lambda record, mappings: Parsed((event,))
        t._append(at, Draft("ingest", "own", b"{}"))

    return tell


def test_a_silenced_alert_that_turns_critical_pages_at_once() -> None:
    t = timeline(no_rules())
    put = SilenceOp(
        "put", "ana", id="SIL-A", matchers=("severity=warning",), starts_at=time(0), ends_at=time(9000)
    )
    t._append(0, json_draft("silence", "api", msgspec.to_builtins(put)))
    tell = retelling(t)
    tell(1, "search", "warning")
    t.wait(100)
    assert t.pages() == []
    tell(200, "search", "critical")
    assert [reason for _, reason in t.pages()] == ["opened"]
    assert t.pages()[0][0] == 200


def test_what_inhibits_lets_go_when_it_no_longer_fits() -> None:
    """Of labels that may change those of the worst telling stay: one filed as info turns critical."""
    t = timeline(RULE.replace("alertname=Down", "severity=info"))
    tell = retelling(t)
    tell(1, "search", "info", "Base")
    tell(2, "mailer", "warning")
    t.wait(100)
    subjects = [subject_of(t, one) for one in t.decisions("notify")]
    assert subjects == ["search"]
    tell(200, "search", "critical", "Base")
    assert (200.0, "opened") in t.pages()
    assert [subject_of(t, one) for one in t.decisions("notify")][-1] == "mailer"


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ("{name: a, source: [], target: [a=b]}", "source"),
        ("{name: a, source: ['a=~\"(\"'], target: [a=b]}", "not a pattern"),
        ("{name: 'a b', source: [a=b], target: [a=b]}", "name"),
        ("{name: a, source: [a=b], target: [a=b]}, {name: a, source: [a=b], target: [a=b]}", "twice"),
        ("{name: a, source: [a=b], target: [a=b], equals: [x]}", "equals"),
    ],
)
def test_a_mistake_in_the_file_is_named(row: str, why: str) -> None:
    content = rules_content(None)
    files = {
        **content["files"],
        "110-inhibition.yaml": f"rule: inhibition\nsummary: x\ninhibitions: [{row}]\n",
    }
    with pytest.raises(RuleError, match=why):
        parse_rules(files)


def many_rules(count: int) -> str:
    rows = "".join(
        f"  - {{name: r{n}, source: [alertname=S{n}, severity=critical], "
        f"target: [alertname=T{n}], equal: [cluster]}}\n"
        for n in range(count)
    )
    return f"rule: inhibition\nsummary: many\ninhibitions:\n{rows}"


def test_a_hundred_rules_try_only_those_that_name_the_alert(monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted, not timed: each alert is put to the rules filed under its own name."""
    tried = 0
    fit = Matchers.fit

    def counting(self: Matchers, one: Episode) -> bool:
        nonlocal tried
        tried += 1
        return fit(self, one)

    monkeypatch.setattr(Matchers, "fit", counting)
    t = timeline(many_rules(100))
    for n in range(50):
        t.push(n, alert("search", f"S{n}", starts=n), alert("mailer", f"T{n}", starts=n, severity="warning"))
    assert tried <= 50 * 12


if __name__ == "__main__":
    for rules in (0, 100, 0, 100):
        t = timeline(many_rules(rules) if rules else no_rules())
        bodies = [[alert(f"svc-{n}", f"T{n % 100}", starts=n / 100)] for n in range(3000)]
        begun = perf_counter()
        for n, body in enumerate(bodies):
            t.push(n / 100, *body)
        print(rules, round((perf_counter() - begun) / 3000 * 1e6), "us an alert")
