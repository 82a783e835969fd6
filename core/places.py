"""Which labels of an alert say what it is of and where, by rule identity; and the cluster that they make."""

from __future__ import annotations

from typing import NamedTuple

from core.clamping import LABELS
from core.rules.identity import Identity

# So many sets of label names are remembered.
_KEPT = 1_000


class Place(NamedTuple):
    """Of some label names those that say what an alert is of, and where, in order."""

    service: tuple[str, ...]
    job: tuple[str, ...]
    namespace: tuple[str, ...]
    environment: tuple[str, ...]
    cluster: tuple[str, ...]
    account: tuple[str, ...]
    region: tuple[str, ...]


class Places:
    def __init__(self, rule: Identity) -> None:
        self._lists = tuple(getattr(rule, field) for field in Place._fields)
        self._everywhere = frozenset(rule.everywhere)
        self._known: dict[tuple[str, ...], Place] = {}

    def of(self, labels: dict[str, str]) -> Place:
        """Most alerts of a source have the same labels."""
        key = tuple(labels)
        found = self._known.get(key)
        if found is None:
            if len(self._known) > _KEPT:
                self._known.clear()
            found = Place(*(tuple(name for name in names if name in labels) for names in self._lists))
            if len(key) <= LABELS:
                self._known[key] = found
        return found

    def cluster(self, place: Place, labels: dict[str, str]) -> str:
        """The one that is named, else `111122223333/eu-west-1`, of account and region. What is everywhere has
        no region."""
        named = first(place.cluster, labels)
        if named or not (place.account or place.region):
            return named
        region = first(place.region, labels)
        parts = (first(place.account, labels), "" if region.lower() in self._everywhere else region)
        return "/".join(part for part in parts if part)


def first(names: tuple[str, ...], labels: dict[str, str]) -> str:
    """The first of them that says something; "" for none."""
    for name in names:
        value = labels.get(name)
        if value:
            return value
    return ""
