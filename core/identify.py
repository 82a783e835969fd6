"""What an alert is about, from its labels: fingerprint, service, environment, cluster and rank.

By the rules in force; made once per rule set.
"""

from __future__ import annotations

import hashlib

from core.config import Config
from core.severity import Levels

# So many sets of label names are remembered.
_ORDERS = 1_000


class Identify:
    def __init__(self, config: Config) -> None:
        self.config = config
        self.rules = self.config.rules
        self.catalogue = self.config.catalogue
        self.levels = Levels(self.rules.severity)
        self.ignored = frozenset(self.rules.identity.ignored)
        names = self.rules.identity
        self._orders: dict[tuple[str, ...], list[tuple[str, str]]] = {}
        self.always = frozenset(["alertname", *names.service, *names.environment, *names.cluster])

    def fingerprint(self, labels: dict[str, str], identity: tuple[str, ...] = ()) -> str:
        """16 hex digits over the labels that identify; lengths keep `a=bc` and `ab=c` apart.

        `identity` names them; without it all count but those that the rules ignore.
        """
        if identity:
            labels = {k: v for k, v in labels.items() if k in identity or k in self.always}
        text = "".join(
            [f"{said}{len(labels[name])}:{labels[name]}" for name, said in self._kept(tuple(labels))]
        )
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]

    def _kept(self, names: tuple[str, ...]) -> list[tuple[str, str]]:
        """Of these labels the ones that count, sorted, with what a text says of the name. Most alerts of a
        source have the same."""
        found = self._orders.get(names)
        if found is None:
            if len(self._orders) > _ORDERS:
                self._orders.clear()
            found = [(name, f"{len(name)}:{name}") for name in sorted(names) if name not in self.ignored]
            self._orders[names] = found
        return found

    def fixed(self, labels: dict[str, str], identity: tuple[str, ...]) -> dict[str, str] | None:
        """Of an alert whose `identity` is told: the labels that are the same in every telling."""
        if not identity:
            return None
        return {k: v for k, v in labels.items() if k in identity or k in self.always}

    def service(self, labels: dict[str, str]) -> str:
        """The first label that names a service of the catalogue, else the first present."""
        first = ""
        for name in self.rules.identity.service:
            value = labels.get(name)
            if value:
                if self.catalogue.canonical_name(value) is not None:
                    return value
                first = first or value
        return first

    def first(self, names: tuple[str, ...], labels: dict[str, str]) -> str:
        for name in names:
            value = labels.get(name)
            if value:
                return value
        return ""
