"""The words a recording's script is written in, and the truth that follows from them.

A case lists its troubles (how each begins, how it is mended, who is bound to alert) and the harmless
changes around them. The expected answer is read off the script, never off what was recorded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from evals.record.receiver import Line, rfc3339
from evals.shop.shop import Shop
from evals.shop.topology import CLUSTER, ENVIRONMENT

Delivery = Literal["alertmanager", "prometheus"]


@dataclass(frozen=True)
class Change:
    """A change that somebody makes and announces. A flag or setting has "name=value" as its version."""

    kind: Literal["deploy", "configuration", "flag"]
    service: str
    version: str
    author: str

    def apply(self, shop: Shop) -> None:
        if self.kind == "deploy":
            shop.deploy(self.service, self.version)
        else:
            name, _, value = self.version.partition("=")
            shop.set(self.service, name, value)

    def body(self, at: datetime) -> dict[str, str]:
        """The change event that announces it."""
        return {
            "kind": self.kind,
            "service": self.service,
            "environment": ENVIRONMENT,
            "cluster": CLUSTER,
            "version": self.version,
            "author": self.author,
            "url": f"https://git.example/shop/{self.service}/changes/{self.version}",
            "at": rfc3339(at),
        }

    def __str__(self) -> str:
        return f"{self.kind} {self.service} {self.version} by {self.author}"


@dataclass(frozen=True)
class Kill:
    """A service dies; nobody announces it."""

    service: str

    def apply(self, shop: Shop) -> None:
        shop.kill(self.service)

    def __str__(self) -> str:
        return f"kill {self.service}"


@dataclass(frozen=True)
class Restart:
    """A dead service is started again; nobody announces it."""

    service: str

    def apply(self, shop: Shop) -> None:
        shop.restart(self.service)

    def __str__(self) -> str:
        return f"restart {self.service}"


Act = Change | Kill | Restart


@dataclass(frozen=True)
class Step:
    """One act, `at` seconds after the healthy baseline."""

    at: float
    act: Act


@dataclass(frozen=True)
class Trouble:
    """One incident in the making. `alerting` is every service that it is bound to make alert."""

    origin: str
    begins: Step
    mended: Step
    alerting: frozenset[str]

    @property
    def cause(self) -> Change | None:
        """The change that began it, if a change did."""
        return self.begins.act if isinstance(self.begins.act, Change) else None


@dataclass(frozen=True)
class Case:
    """One recording: `delivery` says who posts the alerts, an Alertmanager or Prometheus itself.

    `rules` is the file of alerting rules, beside this module, that the monitoring is given.
    """

    name: str
    title: str
    story: str
    delivery: Delivery
    troubles: tuple[Trouble, ...]
    harmless: tuple[Step, ...]
    rules: str = "rules.yaml"

    def steps(self) -> list[Step]:
        """Everything that is done, in order of time."""
        both_ends = [step for trouble in self.troubles for step in (trouble.begins, trouble.mended)]
        return sorted([*both_ends, *self.harmless], key=lambda step: step.at)

    def alerting(self) -> frozenset[str]:
        """Every service that any of the troubles is bound to make alert."""
        return frozenset().union(*(trouble.alerting for trouble in self.troubles))


@dataclass(frozen=True)
class Recording:
    """What the receiver was sent, and when each step was really done."""

    lines: Sequence[Line]
    done: Mapping[Step, datetime]
