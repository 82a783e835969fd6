"""The schema of the link rules: what joins two alerts. Windows are between their starts, in milliseconds.

A link rule of a journal from before it existed has its defaults here, which link nothing.
"""

from __future__ import annotations

from functools import cached_property
from itertools import pairwise
from math import isqrt
from typing import Any, Literal

from pydantic import Field, model_validator

from core.rules.types import Duration, Rule, Thousandths, Window
from core.times import MINUTE, SECOND
from core.yamltext import Strict


class SameEntity(Rule):
    rule: Literal["same-entity"]
    window: Window = Field(
        description="Between alerts of one service that name different instances, in one place"
    )
    same_instance_window: Window | None = Field(
        default=None,
        description="Between alerts of one service that name the same instance",
    )
    same_alert_window: Window = Field(
        description="Between firings of one alert: the later goes where the earlier is, and links nothing"
    )

    whole_service_window: Window | None = Field(
        default=None, description="Between alerts of one service neither of which names an instance"
    )
    workload_window: Window | None = Field(
        default=None,
        description="Between alerts on one workload: the later goes where the earlier is, and links nothing",
    )
    workload_words: tuple[str, ...] = Field(
        default=(), description="Words in the names of alerts on the state of a workload"
    )

    @property
    def instance_window(self) -> int:
        return self.same_instance_window or self.window

    @property
    def whole_window(self) -> int:
        return self.whole_service_window or self.instance_window

    @model_validator(mode="after")
    def _nest(self) -> SameEntity:
        if self.same_alert_window < self.whole_window:
            raise ValueError("`same_alert_window` must not be below the others")
        if self.whole_window < self.window:
            raise ValueError("`whole_service_window` must not be below `window`")
        if self.instance_window < self.window:
            raise ValueError("`same_instance_window` must not be below `window`")
        return self


class DependencyEdge(Rule):
    rule: Literal["dependency-edge"]
    windows: tuple[Window, ...] = Field(
        min_length=1,
        max_length=6,
        description="Between trouble and what suffers from it, by the calls between them: 1, 2 and so on",
    )
    early_window: Window | None = Field(
        default=None,
        description="The same where the caller alerts first, and what it calls only tells of an effect later",
    )
    traffic_window: Window | None = Field(
        default=None,
        description="Between a loss of traffic and another effect, in either direction of the calls",
    )
    shared_windows: tuple[Window, ...] | None = Field(
        default=None,
        max_length=5,
        description="Between two that call the same service, by the calls on the way: 2, 3...",
    )
    gather_window: Window | None = Field(
        default=None,
        description="Between a cause on a service with too many dependants and later alerts of its callers",
    )
    causes: tuple[str, ...] = Field(
        default=(), description="Symptoms that are a cause: what it calls alike does not explain them"
    )
    lost_traffic: tuple[str, ...] = Field(default=(), description="Symptoms that tell that requests stopped")
    late_words: tuple[str, ...] = Field(
        default=(),
        description="Words in the names of alerts so late that their start tells of no other service",
    )
    max_dependants: int = Field(
        ge=0,
        description="A service with more dependants conducts no link, unless it alerts of a cause itself: "
        "it says nothing of any one caller",
    )
    max_reach: int = Field(
        default=50,
        ge=1,
        description="Calls are followed from a service as long as they reach no more services",
    )

    @model_validator(mode="before")
    @classmethod
    def _one_window(cls, data: Any) -> Any:
        """Before there were several, `window` was that of one call."""
        if isinstance(data, dict) and "window" in data and "windows" not in data:
            kept = {key: value for key, value in data.items() if key != "window"}
            return {**kept, "windows": [data["window"]]}
        return data

    @model_validator(mode="after")
    def _nest(self) -> DependencyEdge:
        if any(near < far for near, far in pairwise(self.windows)):
            raise ValueError("`windows` must not grow with the distance")
        return self

    @property
    def early(self) -> tuple[int, ...]:
        """By the number of calls, as `windows`."""
        return self._each(self.early_window)

    @property
    def traffic(self) -> tuple[int, ...]:
        return self._each(self.traffic_window)

    @property
    def shared(self) -> tuple[int, ...]:
        """By the number of calls from 2."""
        return self.windows[1:] if self.shared_windows is None else self.shared_windows

    @property
    def widest(self) -> int:
        return max(*self.windows, *self.early, *self.traffic, *self.shared, 0)

    def _each(self, window: int | None) -> tuple[int, ...]:
        return self.windows if window is None else (window,) * len(self.windows)


class LabelGroup(Strict):
    name: str = Field(min_length=1, max_length=60, description="What is shared, in a word")
    labels: tuple[str, ...] = Field(
        min_length=1, description="Names of the label that says which; of several, the first that is there"
    )
    window: Window = Field(description="Between the starts of the two alerts")
    symptoms: tuple[str, ...] = Field(
        default=(), description="Only between alerts of these symptoms; none given, of all"
    )
    across_clusters: bool = Field(default=False, description="Whether the two may be in different clusters")


class SharedLabels(Rule):
    rule: Literal["shared-labels"] = "shared-labels"
    groups: tuple[LabelGroup, ...] = Field(
        default=(), description="What alerts may share: a node, a database, or what you name"
    )


class SimilarNames(Rule):
    rule: Literal["similar-names"] = "similar-names"
    window: Window | None = Field(
        default=None, description="Between alerts of like names whose services the catalogue does not know"
    )
    namespace: tuple[str, ...] = Field(
        default=(), description="Labels that name the namespace; both alerts must be in the same"
    )
    ignored_words: tuple[str, ...] = Field(
        default=(), description="Words that do not make names differ, such as critical and warning"
    )


class SameChange(Rule):
    rule: Literal["same-change"] = "same-change"
    window: Window | None = Field(
        default=None,
        description="Alerts on a service that changed, and on what calls it, that start this soon after it",
    )


class LearnedEnd(Strict):
    alert: str = Field(description="The alert's name")
    service: str = Field(description="The service's name in the catalogue")


class LearnedPair(Strict):
    a: LearnedEnd = Field(description="One alert")
    b: LearnedEnd = Field(description="The other alert")
    window: Window = Field(description="Between the starts of the two alerts")
    seen: int = Field(default=0, ge=0, description="How often they came together; kept for people to read")
    alone: int = Field(default=0, ge=0, description="How often either came without the other")


class LearnedLinks(Rule):
    rule: Literal["learned-links"] = "learned-links"
    pairs: tuple[LearnedPair, ...] = Field(
        default=(),
        max_length=10_000,
        description="Alerts that came together before; `watchkeeper rules learn` proposes them",
    )

    @cached_property
    def partners(self) -> dict[tuple[str, str], list[tuple[tuple[str, str], int]]]:
        """By (alert, service): the other ends, with the window."""
        found: dict[tuple[str, str], list[tuple[tuple[str, str], int]]] = {}
        for pair in self.pairs:
            a, b = (pair.a.alert, pair.a.service), (pair.b.alert, pair.b.service)
            found.setdefault(a, []).append((b, pair.window))
            found.setdefault(b, []).append((a, pair.window))
        return found


class OneIncident(Rule):
    rule: Literal["one-incident"] = "one-incident"
    least_links: Thousandths = Field(
        default=0,
        description="Groups of alerts become one incident where at least this part of the pairs between them "
        "is linked, or where one alert is linked with half of either; 0: any link will do",
    )
    after: Duration = Field(default=30 * SECOND, description="So long after an alert joined it is weighed")
    at_most: int = Field(
        default=100, ge=0, description="More alerts than this that hang together are one incident"
    )

    @cached_property
    def enough(self) -> int:
        """Of so many alerts one link between any two parts is enough."""
        return isqrt((4000 - 1) // self.least_links) if self.least_links else 1 << 62


class Flapping(Rule):
    rule: Literal["flapping"] = "flapping"
    within: Window = Field(default=60 * MINUTE, description="Over how long firings of one alert are counted")
    steady_after: Window = Field(
        default=15 * MINUTE, description="Firing so long without an end, it pages again"
    )
    begins: int = Field(default=0, ge=0, description="It flaps from this many firings on; 0 for never")
    ends: int = Field(default=0, ge=0, description="It flaps no more when there were only this many")

    @model_validator(mode="after")
    def _hysteresis(self) -> Flapping:
        if self.begins and self.ends >= self.begins:
            raise ValueError("`ends` must be below `begins`, or it would begin and end at once")
        return self
