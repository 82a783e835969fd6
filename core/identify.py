"""What an alert is about, from its labels: fingerprint, service, environment, cluster and rank.

By the rules in force; made once per rule set.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from core.clamping import CLAMPED, LABELS, clamped_labels, digest
from core.config import Config
from core.exporters import Exporters
from core.model.entity import Entity
from core.model.events import AlertEvent, ChangeEvent
from core.places import Place, Places, first
from core.severity import Levels
from core.workloads import maker_of, owner_of_pod, owners_of_claim

# So many sets of label names are remembered, and so many names.
_ORDERS, _TOLD = 1_000, 10_000
# Labels that Prometheus put aside, since it has its own of that name.
_ASIDE = "exported_"
# In the name of a label, its value is that of a volume claim.
_CLAIM = "persistentvolumeclaim"
# The fingerprint of no label at all.
_OF_NOTHING = digest("")[:16]


class Named(NamedTuple):
    """A name that may be the service's. `placed`: one of its namespace, where others may have the same;
    `job`: of a scrape, which may be that of an exporter."""

    name: str
    placed: bool = False
    job: bool = False


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
        self._places = Places(names)
        self._exporters = Exporters(names)
        self._shared = frozenset(names.shared_namespaces)
        self._told: dict[tuple[object, ...], str] = {}
        self.always = frozenset(
            ["alertname", *names.service, *names.workload, *names.job, *names.environment, *names.place()]
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
            "".join([f"{said}{len(v := labels[name])}:{v}" for name, said in self._kept(tuple(labels))])
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
        place = self._places.of(labels)
        environment = self.environments.name(first(place.environment, labels))
        cluster = self._places.cluster(place, labels)
        return self.catalogue.entity(domain, self.service(labels), environment, cluster)

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
        place = self._places.of(labels)
        namespace = first(place.namespace, labels)
        best = self._plain(labels, place, namespace)
        if best:
            return best
        exporter = ""
        for one in self._names(labels, namespace):
            if self._tells_of_others(one):
                exporter = exporter or one.name
                continue
            known = self._known(one, namespace)
            if known:
                return known
            best = best or _full(one, namespace)
            if not self.catalogue.known:
                break
        best = self._of_claim(labels, namespace) or best
        if exporter and not best and self.catalogue.lists(exporter):
            return exporter
        return best or self._thing(labels, exporter) or exporter

    def _plain(self, labels: dict[str, str], place: Place, namespace: str) -> str:
        """Of an alert whose first service label says all; "" when others must be looked at."""
        label = next((name for name in place.service if labels[name]), "")
        if not label:
            return ""
        key: tuple[object, ...] = (
            labels[label],
            namespace,
            label,
            place.namespace,
            *[labels[name] for name in place.job],
        )
        found = self._told.get(key)
        if found is None:
            if len(self._told) > _TOLD:
                self._told.clear()
            one = Named(labels[label], placed=self._owns(label, labels, namespace))
            found = "" if self._tells_of_others(one) else self._known(one, namespace)
            if not found and not self.catalogue.known and not self._tells_of_others(one):
                found = _full(one, namespace)
            self._told[key] = found
        return found

    def _tells_of_others(self, one: Named) -> bool:
        """What is only like the name of an exporter is a service where the catalogue names it."""
        known = self._exporters.known(one.name)
        return (known.job if one.job else known.exporter) and (
            known.listed or not self.catalogue.lists(one.name)
        )

    def _thing(self, labels: dict[str, str], exporter: str) -> str:
        """What an alert is about that names no service: a machine, `topic orders`."""
        found = ""
        for word, name in self._exporters.things(labels, exporter):
            if self.catalogue.lists(name):
                return name
            found = found or (f"{word} {name}" if word else name)
        return found

    def _names(self, labels: dict[str, str], namespace: str) -> Iterator[Named]:
        """Those that the labels tell, the best first."""
        names = self.rules.identity
        for label in names.service:
            if labels.get(label):
                yield Named(labels[label], placed=self._owns(label, labels, namespace))
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
                yield Named(labels[label], job=True)
        yield from (Named(pod, placed=True) for pod, owner in pods.items() if not owner)
        for label in names.objects:
            if labels.get(label):
                yield Named(labels[label], placed=True)

    def _owns(self, label: str, labels: dict[str, str], namespace: str) -> bool:
        """Whether the namespace is that of the service which `label` names, and not of who watches it."""
        if not namespace or namespace in self._shared:
            return False
        if not self.rules.identity.namespaced_services and not self.catalogue.lists(labels[label]):
            return False
        if label.startswith(_ASIDE) and not any(
            name.startswith(_ASIDE) for name in self._places.of(labels).namespace
        ):
            return False
        jobs = (labels.get(name) for name in self.rules.identity.job)
        return not any(job and self._exporters.known(job).job for job in jobs)

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

    def _of_claim(self, labels: dict[str, str], namespace: str) -> str:
        """The service of the catalogue whose StatefulSet made the volume claim; "" where it knows none, and
        where two could be meant."""
        if not self.catalogue.known:
            return ""
        claims = [
            labels[label] for label in self.rules.identity.objects if _CLAIM in label and label in labels
        ]
        owners = (Named(owner, placed=True) for claim in claims for owner in owners_of_claim(claim))
        known = {self._known(one, namespace) for one in owners} - {""}
        services = {self.catalogue.canonical_name(name) or name for name in known}
        return min(known) if len(services) == 1 else ""


def _full(one: Named, namespace: str) -> str:
    return f"{namespace}/{one.name}" if one.placed and namespace else one.name
