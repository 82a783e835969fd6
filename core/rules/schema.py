"""The schema of every rule file. Durations become integer milliseconds, scores are thousandths."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from core.model.events import ChangeKind
from core.model.incident import Severity
from core.times import MINUTE, SECOND, parse_duration
from core.yamltext import Strict

Level = Literal["critical", "high", "warning", "info"]
LEVELS: tuple[Level, ...] = ("critical", "high", "warning", "info")
Symptom = Literal["certificate", "down", "latency", "errors", "queue", "saturation", "traffic"]


def _duration(value: object) -> int:
    """A bare number would leave its unit to guess."""
    if not isinstance(value, str):
        # pydantic turns a ValueError, not a TypeError, into a message with the path.
        raise ValueError("write a duration with its unit, such as 90s, 5m or 1h30m")  # noqa: TRY004
    return parse_duration(value)


Duration = Annotated[int, BeforeValidator(_duration), Field(ge=0, le=366 * 86_400_000)]
Window = Annotated[int, BeforeValidator(_duration), Field(gt=0, le=31 * 86_400_000)]
Thousandths = Annotated[int, Field(ge=0, le=1000)]


class Rule(Strict):
    summary: str


class Identity(Rule):
    rule: Literal["identity"]
    service: tuple[str, ...]
    environment: tuple[str, ...]
    cluster: tuple[str, ...]
    team: tuple[str, ...]
    ignored: tuple[str, ...]


class SameEntity(Rule):
    rule: Literal["same-entity"]
    window: Window
    same_alert_window: Window


class DependencyEdge(Rule):
    rule: Literal["dependency-edge"]
    window: Window
    max_dependants: int = Field(ge=0)


class RecentChange(Rule):
    rule: Literal["recent-change"]
    lookback: Window
    grace: Duration
    hops: Literal[0, 1]
    weights: dict[ChangeKind, Thousandths]
    hop_penalty: Thousandths


class OriginWeights(Strict):
    explains: Thousandths
    onset: Thousandths
    change: Thousandths
    unexplained: Thousandths

    @model_validator(mode="after")
    def _sum(self) -> OriginWeights:
        total = self.explains + self.onset + self.change + self.unexplained
        if total != 1000:
            raise ValueError(f"the weights sum to {total}, not to 1000")
        return self


class ProbableOrigin(Rule):
    rule: Literal["probable-origin"]
    weights: OriginWeights


class ProbableRepair(Rule):
    rule: Literal["probable-repair"] = "probable-repair"
    window: Window = 15 * MINUTE
    worth: Thousandths = 800
    undoes: Thousandths = 200


class SymptomRule(Rule):
    rule: Literal["symptom"] = "symptom"
    words: dict[Symptom, tuple[str, ...]] = {}


class When(Strict):
    """Every key given must hold. `level`: the worst alert is at least that bad."""

    level: Level | None = None
    production: bool | None = None
    tier_at_most: int | None = None
    services_at_least: int | None = None


class Condition(Strict):
    name: str
    severity: Severity
    when: When


class SeverityRule(Rule):
    rule: Literal["severity"]
    label: str
    levels: dict[Level, tuple[str, ...]]
    default_level: Level
    non_production: tuple[str, ...]
    conditions: tuple[Condition, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _decides_always(self) -> SeverityRule:
        if self.conditions[-1].when != When():
            raise ValueError("the last condition must hold always: give it `when: {}`")
        return self


class Lifecycle(Rule):
    rule: Literal["lifecycle"]
    late_after: Window
    clear_after: Duration
    reopen_window: Duration
    close_after: Window
    alive_gap: Window


class Notify(Rule):
    rule: Literal["notify"]
    wait: dict[Severity, Duration]
    update_after: Window

    @model_validator(mode="after")
    def _every_severity(self) -> Notify:
        missing = {"P0", "P1", "P2", "P3"} - set(self.wait)
        if missing:
            raise ValueError(f"`wait` says nothing of {', '.join(sorted(missing))}")
        return self


class Explain(Rule):
    rule: Literal["explain"] = "explain"
    wait: Duration = 15 * SECOND
    again_after: Window = MINUTE


class SilentSource(Rule):
    rule: Literal["silent-source"] = "silent-source"
    resends: dict[str, Window] = {}
    expected: dict[str, Window] = {}


class RuleSet(Strict):
    """All rules in force, and the texts they came from (these are what the journal keeps)."""

    bundle: str
    texts: dict[str, str]
    identity: Identity
    same_entity: SameEntity
    dependency_edge: DependencyEdge
    recent_change: RecentChange
    probable_origin: ProbableOrigin
    severity: SeverityRule
    lifecycle: Lifecycle
    notify: Notify
    # Journals that began before these rules were there go without them.
    probable_repair: ProbableRepair = ProbableRepair(summary="")
    symptom: SymptomRule = SymptomRule(summary="")
    explain: Explain = Explain(summary="")
    silent_source: SilentSource = SilentSource(summary="")

    @model_validator(mode="after")
    def _windows_nest(self) -> RuleSet:
        # Engine looks at the nearest alerts of a neighbour only. That finds the same groups as looking at
        # all of them as long as those inside one window are linked among themselves.
        if self.same_entity.window < 2 * self.dependency_edge.window:
            raise ValueError("same-entity `window` must be at least twice dependency-edge `window`")
        if self.same_entity.same_alert_window < self.same_entity.window:
            raise ValueError("same-entity `same_alert_window` must not be below `window`")
        return self


ADDED_LATER = frozenset({"probable-repair", "symptom", "explain", "silent-source"})
RULES: dict[str, type[Rule]] = {
    "identity": Identity,
    "same-entity": SameEntity,
    "dependency-edge": DependencyEdge,
    "recent-change": RecentChange,
    "probable-repair": ProbableRepair,
    "probable-origin": ProbableOrigin,
    "severity": SeverityRule,
    "lifecycle": Lifecycle,
    "notify": Notify,
    "symptom": SymptomRule,
    "explain": Explain,
    "silent-source": SilentSource,
}
