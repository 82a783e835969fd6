"""What an alert is about, from its labels: fingerprint, service, environment, cluster and rank.

By the rules in force; made once per rule set.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from core.clamping import CLAMPED, LABELS, clamped_labels, digest
from core.config import Config
from core.model.entity import Entity
from core.model.events import AlertEvent, ChangeEvent
from core.severity import Levels
from core.workloads import host_of, is_exporter, maker_of, owner_of_pod

# So many sets of label names are remembered, and so many names.
_ORDERS, _TOLD = 1_000, 10_000
# The fingerprint of no label at all.
_OF_NOTHING = digest("")[:16]


class Named(NamedTuple):
    """A name that may be the service's. `placed`: one of its namespace, where others may have the same."""

    name: str
    placed: bool = False


class Identify:
    def __init__(self, config: Config) -> None:
        self.config = config
        self.rules = self.config.rules
        self.catalogue = self.config.catalogue
        self.levels = Levels(self.rules.severity)
        self.ignored = frozenset(self.rules.identity.ignored)
        self.environments = self.config.environments
        names = self.rules.identity
        self._orders: dict[tuple[str, ...], list[tuple[str, str]]] = {}
        self._exporters: dict[str, bool] = {}
        self.always = frozenset(
            ["alertname", *names.service, *names.workload, *names.job, *names.environment, *names.cluster]
        )

    def taken(self, alert: AlertEvent, source: str) -> AlertEvent:
        """The alert within the limits of memory. It is told apart by all that it said before."""
        if CLAMPED not in alert.flags:
            return alert
        return msgspec.structs.replace(
            alert,
            labels=self.clamped(alert.labels, alert.identity),
            fingerprint=self.fingerprint_of(alert, source),
        )

    def clamped(self, labels: dict[str, str], identity: tuple[str, ...] = ()) -> dict[str, str]:
        """Its labels within the limits: those that rules look at are the last to go."""
        names, rules = self.rules.identity, self.rules
        shared = [label for group in rules.shared_labels.groups for label in group.labels]
        first = ("alertname", rules.severity.label, *sorted(names.deciding), *names.instance, *shared)
        return clamped_labels(labels, (*first, *rules.similar_names.namespace, *identity))

    def fingerprint_of(self, alert: AlertEvent, source: str) -> str:
        """16 hex digits. Of an alert without a label that counts, over what else tells it apart."""
        found = alert.fingerprint or self.fingerprint(alert.labels, alert.identity)
        if found != _OF_NOTHING:
            return found
        rest = [source, alert.generator_url, str(alert.starts_at), alert.occurrence]
        return digest("".join(f"{len(part)}:{part}" for part in ("nothing", *rest)))[:16]

    def fingerprint(self, labels: dict[str, str], identity: tuple[str, ...] = ()) -> str:
        """16 hex digits over the labels that identify; lengths keep `a=bc` and `ab=c` apart.

        `identity` names them; without it all count but those that the rules ignore.
        """
        if identity:
            labels = {k: v for k, v in labels.items() if k in identity or k in self.always}
        return digest(
            "".join([f"{said}{len(labels[name])}:{labels[name]}" for name, said in self._kept(tuple(labels))])
        )[:16]

    def _kept(self, names: tuple[str, ...]) -> list[tuple[str, str]]:
        """Of these labels the ones that count, sorted, with what a text says of the name. Most alerts of a
        source have the same."""
        found = self._orders.get(names)
        if found is None:
            if len(self._orders) > _ORDERS:
                self._orders.clear()
            found = [(name, f"{len(name)}:{name}") for name in sorted(names) if name not in self.ignored]
            if len(names) <= LABELS:
                self._orders[names] = found
        return found

    def fixed(self, labels: dict[str, str], identity: tuple[str, ...]) -> dict[str, str] | None:
        """Of an alert whose `identity` is told: the labels that are the same in every telling."""
        if not identity:
            return None
        return {k: v for k, v in labels.items() if k in identity or k in self.always}

    def entity(self, domain: str, labels: dict[str, str]) -> Entity:
        """Where an alert with these labels belongs."""
        names = self.rules.identity
        environment = self.environments.name(self.first(names.environment, labels))
        return self.catalogue.entity(
            domain, self.service(labels), environment, self.first(names.cluster, labels)
        )

    def placed(self, change: ChangeEvent) -> ChangeEvent:
        """A change with its service and environment by the one name that they go by."""
        name = self.catalogue.canonical_name(change.service) or change.service
        return msgspec.structs.replace(
            change, service=name, environment=self.environments.name(change.environment)
        )

    def service(self, labels: dict[str, str]) -> str:
        """The first name that the catalogue knows, else the best that the labels tell; see rule identity.

        An exporter is the service of an alert that names nothing else.
        """
        for label in self.rules.identity.service:
            said = labels.get(label)
            if said and not self.is_exporter(said) and self._listed(said):
                return said
        namespace = self.first(self.rules.identity.namespace, labels)
        best = exporter = ""
        for one in self._names(labels):
            if self.is_exporter(one.name):
                exporter = exporter or one.name
                continue
            known = self._known(one, namespace)
            if known:
                return known
            best = best or (f"{namespace}/{one.name}" if one.placed and namespace else one.name)
            if not self.catalogue.known:
                break
        return best or (self._told_by(exporter, labels) if exporter else "")

    def _listed(self, name: str) -> bool:
        """Whether nothing better is to be had: the catalogue knows it, or there is none."""
        return not self.catalogue.known or self.catalogue.canonical_name(name) is not None

    def is_exporter(self, name: str) -> bool:
        found = self._exporters.get(name)
        if found is None:
            if len(self._exporters) > _TOLD:
                self._exporters.clear()
            found = self._exporters[name] = is_exporter(name, self.rules.identity.exporters)
        return found

    def _names(self, labels: dict[str, str]) -> Iterator[Named]:
        """Those that the labels tell, the best first."""
        names = self.rules.identity
        for label in names.service:
            if labels.get(label):
                yield Named(labels[label])
        for label in names.workload:
            if labels.get(label):
                yield Named(labels[label], placed=True)
        for label in names.made:
            if labels.get(label):
                yield Named(maker_of(labels[label]), placed=True)
        pods = {labels[label]: owner_of_pod(labels[label]) for label in names.pod if labels.get(label)}
        yield from (Named(owner, placed=True) for owner in pods.values() if owner)
        for label in names.container:
            if labels.get(label) and labels[label] not in names.sidecars:
                yield Named(labels[label], placed=True)
        for label in names.job:
            if labels.get(label):
                yield Named(labels[label])
        yield from (Named(pod, placed=True) for pod, owner in pods.items() if not owner)
        for label in names.objects:
            if labels.get(label):
                yield Named(labels[label], placed=True)

    def _known(self, one: Named, namespace: str) -> str:
        """The name by which the catalogue knows it; "" for none, and for one of another namespace."""
        if one.placed and namespace:
            full = f"{namespace}/{one.name}"
            if self.catalogue.lists(full):
                return full
        name = self.catalogue.canonical_name(one.name)
        if name is None:
            return ""
        homes = {entry.namespace for entry in self.catalogue.entries(name)}
        if one.placed and namespace and "" not in homes and namespace not in homes:
            return ""
        return one.name

    def _told_by(self, exporter: str, labels: dict[str, str]) -> str:
        """Of an alert that names no service: the node that an exporter tells of, else the exporter."""
        names = self.rules.identity
        node = self.first(names.node, labels)
        if not node and is_exporter(exporter, names.node_exporters):
            node = host_of(labels.get("instance", ""))
        return node or exporter

    def first(self, names: tuple[str, ...], labels: dict[str, str]) -> str:
        for name in names:
            value = labels.get(name)
            if value:
                return value
        return ""
