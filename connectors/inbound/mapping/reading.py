"""Reading one item of a body by a mapping's rules: an event, a reason to ignore it, or what is wrong.

A fault in something that an event needs (alertname, status; kind, service) leaves the item out; any other
fault leaves out that field alone. Both are said as Problems that name the item and the key of the mapping.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, cast

from connectors.inbound.fields import link
from connectors.inbound.mapping.expressions import ExpressionFault, evaluate
from connectors.inbound.mapping.schema import (
    PRESENT,
    SEVERITIES,
    STATES,
    STATUSES,
    Alert,
    Change,
    Rule,
    Spec,
    Wanted,
)
from connectors.inbound.mapping.values import is_there, moment, plain, readable, tags
from connectors.inbound.source import problem
from core.model.events import (
    CHANGE_KINDS,
    AlertEvent,
    AlertStatus,
    ChangeEvent,
    ChangeKind,
    ChangeState,
    Problem,
)

_CORRECT = "Correct the expression, or what is sent"
_QUOTED = 80


class Item(NamedTuple):
    """What expressions see as `root`; `where` and `place` say which item of its body it is."""

    root: dict[str, Any]
    where: str
    place: int
    received_at: int


class Result(NamedTuple):
    """At most one of `event` and `ignored`; without both, `problems` say why."""

    event: AlertEvent | ChangeEvent | None
    ignored: str
    problems: list[Problem]


def read(item: Item, rules: Sequence[Rule]) -> Result:
    reading = Reading(item)
    for number, rule in enumerate(rules, 1):
        if not reading.fits(rule.when, f"events.{number}.when"):
            continue
        reading.problems.clear()
        if rule.alert:
            event: AlertEvent | ChangeEvent | None = reading.alert(rule.alert, f"events.{number}.alert")
        elif rule.change:
            event = reading.change(rule.change, f"events.{number}.change")
        else:
            return Result(None, reading.ignored(rule), [])
        return Result(event, "", reading.problems)
    nothing_fits = problem(
        f"{item.where}: events",
        "none of the rules fits this item",
        "Send what this source reads, or add a rule to its mapping",
    )
    return Result(None, "", [nothing_fits, *reading.problems])


class Reading:
    """One item and the problems that came up; each method reads one part of a rule."""

    def __init__(self, item: Item) -> None:
        self.item = item
        self.problems: list[Problem] = []

    def note(self, path: str, what: str, mend: str) -> None:
        self.problems.append(problem(f"{self.item.where}: {path}", what, mend))

    def fits(self, when: Mapping[str, Wanted], path: str) -> bool:
        """Whether all conditions hold. One that cannot be evaluated does not."""
        for expression, wanted in when.items():
            try:
                if not _holds(evaluate(expression, self.item.root), wanted):
                    return False
            except ExpressionFault as fault:
                self.note(f"{path}: {expression}", str(fault), _CORRECT)
                return False
        return True

    def ignored(self, rule: Rule) -> str:
        """The rule's sentence, what `which` finds quoted behind it: no text of theirs reads as ours."""
        if not rule.which:
            return rule.ignore
        try:
            text = plain(evaluate(rule.which, self.item.root))
        except ExpressionFault:
            return rule.ignore
        return f"{rule.ignore}: {text[:_QUOTED]!r}" if text else rule.ignore

    def alert(self, rule: Alert, path: str) -> AlertEvent | None:
        status = self.word(rule.status, f"{path}.status", STATUSES)
        labels = self.labels(rule, path)
        if not labels.get("alertname"):
            self.missing(f"{path}.labels.alertname", "no alertname")
        if not status or not labels.get("alertname"):
            return None
        starts_at = self.moment(rule.starts_at, f"{path}.starts_at")
        ends_at = self.moment(rule.ends_at, f"{path}.ends_at") if status == "resolved" else None
        return AlertEvent(
            labels=labels,
            status=cast(AlertStatus, status),
            index=self.item.place,
            starts_at=starts_at,
            ends_at=ends_at,
            lease_until=self.item.received_at + rule.quiet_after if rule.quiet_after else None,
            firm_lease=rule.quiet_after is not None,
            annotations=self.texts(rule.annotations, f"{path}.annotations", readable),
            generator_url=link(self.text(rule.url, f"{path}.url")),
            occurrence=self.text(rule.occurrence, f"{path}.occurrence"),
            identity=rule.identity,
        )

    def labels(self, rule: Alert, path: str) -> dict[str, str]:
        """The tags, then the object of labels, then those named one by one: the later wins."""
        further = self.object_of(rule.labels_from, f"{path}.labels_from")
        labels = {
            **tags(self.found(rule.tags_from, f"{path}.tags_from")),
            **{name: text for name, value in further.items() if (text := plain(value))},
            **self.texts(rule.labels, f"{path}.labels", plain),
        }
        severity = self.word(rule.severity, f"{path}.severity", SEVERITIES) if rule.severity else ""
        return {**labels, "severity": severity} if severity else labels

    def change(self, rule: Change, path: str) -> ChangeEvent | None:
        kind = self.word(rule.kind, f"{path}.kind", CHANGE_KINDS)
        service = self.text(rule.service, f"{path}.service")
        if not service:
            self.missing(f"{path}.service", "no service")
        if not kind or not service:
            return None
        state = self.word(rule.state, f"{path}.state", STATES) if rule.state else ""
        return ChangeEvent(
            kind=cast(ChangeKind, kind),
            service=service,
            at=self.moment(rule.at, f"{path}.at") or self.item.received_at,
            environment=self.text(rule.environment, f"{path}.environment"),
            cluster=self.text(rule.cluster, f"{path}.cluster"),
            version=self.text(rule.version, f"{path}.version"),
            author=self.text(rule.author, f"{path}.author"),
            url=link(self.text(rule.url, f"{path}.url")),
            index=self.item.place,
            ref=self.text(rule.ref, f"{path}.ref"),
            state=cast(ChangeState, state),
            told_at=self.moment(rule.told_at, f"{path}.told_at") or 0,
        )

    def missing(self, path: str, what: str) -> None:
        """Unless the reason why it is missing was said already."""
        place = f"{self.item.where}: {path}"
        if not any(one.where.startswith(place) for one in self.problems):
            self.note(path, what, _CORRECT)

    def word(self, spec: Spec, path: str, words: Sequence[str]) -> str:
        """One of `words`, or nothing. That is a Problem, but for a state or a severity that is not said."""
        text = self.text(spec, path).strip().lower()
        if text in words:
            return text
        if text:
            self.note(path, f"{text[:_QUOTED]!r} is none of {', '.join(filter(None, words))}", "Add a `map`")
        elif words in (STATUSES, CHANGE_KINDS):
            self.missing(path, f"no {path.rpartition('.')[2]}")
        return ""

    def texts(self, specs: Mapping[str, Spec], path: str, form: Callable[[Any], str]) -> dict[str, str]:
        found = {name: self.text(spec, f"{path}.{name}", form) for name, spec in specs.items()}
        return {name: text for name, text in found.items() if text}

    def text(self, spec: Spec | None, path: str, form: Callable[[Any], str] = plain) -> str:
        """What `spec` says as a text; empty, with or without a Problem, when it says nothing."""
        if spec is None or spec.text is not None:
            return spec.text or "" if spec else ""
        text = self.first(spec, path, form)
        if text and spec.map is not None:
            mapped = spec.map.get(text.strip().casefold(), spec.default)
            if mapped is None:
                self.note(path, f"{text[:_QUOTED]!r} is not in the map", "Add it, or give a `default`")
            return mapped or ""
        return text or spec.default or ""

    def first(self, spec: Spec, path: str, form: Callable[[Any], str]) -> str:
        fault = None
        for expression in spec.from_:
            try:
                text = form(evaluate(expression, self.item.root))
            except ExpressionFault as error:
                fault = fault or (f"{path}: {expression}", str(error))
            else:
                if text:
                    return text
        if fault and spec.default is None:
            self.note(*fault, _CORRECT)
        return ""

    def moment(self, spec: Spec | None, path: str) -> int | None:
        text = self.text(spec, path)
        if not spec or not text:
            return None
        try:
            return moment(text, spec.format)
        except (ValueError, OverflowError):
            self.note(path, f"{text[:_QUOTED]!r} is no time", "Name its form with `format`, or leave it out")
            return None

    def found(self, expression: str | None, path: str) -> Any:
        if expression is None:
            return None
        try:
            return evaluate(expression, self.item.root)
        except ExpressionFault as fault:
            self.note(f"{path}: {expression}", str(fault), _CORRECT)
            return None

    def object_of(self, expression: str | None, path: str) -> dict[str, Any]:
        value = self.found(expression, path)
        return value if isinstance(value, dict) else {}


def _holds(value: Any, wanted: Wanted) -> bool:
    if wanted == PRESENT:
        return is_there(value)
    if isinstance(wanted, bool):
        return (is_there(value) and value is not False) == wanted
    return plain(value).strip().casefold() in wanted
