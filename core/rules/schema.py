"""The schema of every rule file. Durations become integer milliseconds, scores are thousandths."""

from __future__ import annotations

from functools import cached_property
from typing import Literal

from pydantic import Field, model_validator

from core.model.events import ChangeKind
from core.rules.deciding import Explain, Lifecycle, Notify, SeverityRule, SilentSource
from core.rules.freeze import FreezeRule
from core.rules.identity import Identity
from core.rules.linking import (
    DependencyEdge,
    Flapping,
    LearnedLinks,
    OneIncident,
    SameChange,
    SameEntity,
    SharedLabels,
    SimilarNames,
)
from core.rules.quiet import DeploySilence, Inhibition, QuietTimes, Threshold
from core.rules.responding import Escalation, Response
from core.rules.slo import SloBurn
from core.rules.storm import StormRule
from core.rules.types import Duration as Duration
from core.rules.types import Rule as Rule
from core.rules.types import Thousandths as Thousandths
from core.rules.types import Window as Window
from core.rules.watching import WatchdogRule
from core.times import MINUTE
from core.yamltext import Strict

Symptom = Literal[
    "certificate", "housekeeping", "down", "latency", "errors", "queue", "saturation", "traffic"
]


class RecentChange(Rule):
    rule: Literal["recent-change"]
    lookback: Window = Field(description="A change is looked for so long before the trouble began")
    grace: Duration = Field(
        description="And so long after it: clocks differ, and a deploy is often told at its end"
    )
    hops: Literal[0, 1] = Field(description="0: changes of the alerting service; 1: also of what it calls")
    weights: dict[ChangeKind, Thousandths] = Field(
        description="What a change of each kind is worth at the moment the trouble begins"
    )
    hop_penalty: Thousandths = Field(description="Taken off for each call between the change and the alert")


class OriginWeights(Strict):
    explains: Thousandths = Field(
        description="For explaining the other services: they call it, directly or through others"
    )
    onset: Thousandths = Field(description="For having begun first")
    change: Thousandths = Field(description="For having changed shortly before")
    unexplained: Thousandths = Field(description="For calling no service that is in trouble itself")
    symptom: Thousandths = Field(default=0, description="For symptoms that look like a cause")

    @model_validator(mode="after")
    def _sum(self) -> OriginWeights:
        total = self.explains + self.onset + self.change + self.unexplained + self.symptom
        if total != 1000:
            raise ValueError(f"the weights sum to {total}, not to 1000")
        return self


class ProbableOrigin(Rule):
    rule: Literal["probable-origin"]
    weights: OriginWeights = Field(
        description="What each reason can add to the score of a service; together 1000"
    )
    symptoms: dict[Symptom, Thousandths] = Field(
        default={}, description="How much each symptom looks like a cause rather than an effect"
    )
    other_symptom: Thousandths = Field(default=500, description="The same for a symptom that is not named")
    spreads_down: tuple[Symptom, ...] = Field(
        default=(), description="Symptoms that go from a service to what it calls; others go to its callers"
    )


class ProbableRepair(Rule):
    rule: Literal["probable-repair"] = "probable-repair"
    window: Window = Field(
        default=15 * MINUTE, description="The alerts of the origin must all end so soon after the change"
    )
    worth: Thousandths = Field(
        default=800, description="At the moment of the end; half of it is left at the end of the window"
    )
    undoes: Thousandths = Field(
        default=200, description="Added when it is on the service, and of the kind, of a suspected change"
    )


class SymptomRule(Rule):
    rule: Literal["symptom"] = "symptom"
    words: dict[Symptom, tuple[str, ...]] = Field(
        default={},
        description="Words of alert names by the trouble they tell; the first trouble with a word decides",
    )
    ends: dict[Symptom, tuple[str, ...]] = Field(
        default={},
        description="Words at the end of a name that tell a trouble whatever stands before; they go first",
    )
    asides: tuple[str, ...] = Field(default=(), description="Words that `ends` passes over, as numbers")
    prospects: tuple[str, ...] = Field(
        default=(), description="Words of what has not happened yet; `not` behind one takes it back"
    )
    contained: tuple[Symptom, ...] = Field(
        default=(),
        description="Troubles that stay where they are: such alerts join only those of their instance",
    )

    @cached_property
    def known(self) -> dict[str, str]:
        """What was found for names so far; see core/symptoms.py, which bounds it."""
        return {}


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
    slo_burn: SloBurn = SloBurn(summary="")
    watchdog: WatchdogRule = WatchdogRule(summary="")
    response: Response = Response(summary="")
    escalation: Escalation = Escalation(summary="")

    similar_names: SimilarNames = SimilarNames(summary="")
    shared_labels: SharedLabels = SharedLabels(summary="")
    same_change: SameChange = SameChange(summary="")
    learned_links: LearnedLinks = LearnedLinks(summary="")
    one_incident: OneIncident = OneIncident(summary="")
    flapping: Flapping = Flapping(summary="")
    threshold: Threshold = Threshold(summary="")
    storm: StormRule = StormRule(summary="")
    inhibition: Inhibition = Inhibition(summary="")
    quiet_times: QuietTimes = QuietTimes(summary="")
    deploy_silence: DeploySilence = DeploySilence(summary="")
    freeze: FreezeRule = FreezeRule(summary="")

    @model_validator(mode="after")
    def _windows_nest(self) -> RuleSet:
        # Engine looks at the nearest alerts of a neighbour only. That finds the same groups as looking at
        # all of them as long as those inside one window are linked among themselves.
        if self.same_entity.window < self.dependency_edge.widest:
            raise ValueError("same-entity `window` must not be below a window of dependency-edge")
        return self


ADDED_LATER = frozenset(
    {
        "threshold",
        "storm",
        "slo-burn",
        "watchdog",
        "inhibition",
        "quiet-times",
        "deploy-silence",
        "freeze",
        "shared-labels",
        "similar-names",
        "same-change",
        "learned-links",
        "one-incident",
        "flapping",
        "probable-repair",
        "symptom",
        "explain",
        "silent-source",
        "response",
        "escalation",
    }
)
RULES: dict[str, type[Rule]] = {
    "inhibition": Inhibition,
    "quiet-times": QuietTimes,
    "deploy-silence": DeploySilence,
    "freeze": FreezeRule,
    "identity": Identity,
    "same-entity": SameEntity,
    "dependency-edge": DependencyEdge,
    "shared-labels": SharedLabels,
    "similar-names": SimilarNames,
    "same-change": SameChange,
    "learned-links": LearnedLinks,
    "one-incident": OneIncident,
    "flapping": Flapping,
    "threshold": Threshold,
    "storm": StormRule,
    "recent-change": RecentChange,
    "probable-repair": ProbableRepair,
    "probable-origin": ProbableOrigin,
    "severity": SeverityRule,
    "lifecycle": Lifecycle,
    "notify": Notify,
    "symptom": SymptomRule,
    "explain": Explain,
    "silent-source": SilentSource,
    "slo-burn": SloBurn,
    "watchdog": WatchdogRule,
    "response": Response,
    "escalation": Escalation,
}
