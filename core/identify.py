"""What an alert is about, from its labels: fingerprint, service, environment, cluster and rank.

By the rules in force; made once per rule set.
"""

from __future__ import annotations

import hashlib

from core.config import Config
from core.severity import Levels


class Identify:
    def __init__(self, config: Config) -> None:
        self.config = config
        self.rules = self.config.rules
        self.catalogue = self.config.catalogue
        self.levels = Levels(self.rules.severity)
        self.ignored = frozenset(self.rules.identity.ignored)
        names = self.rules.identity
        self.always = frozenset(["alertname", *names.service, *names.environment, *names.cluster])

    def fingerprint(self, labels: dict[str, str], identity: tuple[str, ...] = ()) -> str:
        """16 hex digits over the labels that identify; lengths keep `a=bc` and `ab=c` apart.

        `identity` names them; without it all count but those that the rules ignore.
        """
        if identity:
            labels = {k: v for k, v in labels.items() if k in identity or k in self.always}
        ignored = self.ignored
        kept = sorted([item for item in labels.items() if item[0] not in ignored])
        text = "".join([f"{len(name)}:{name}{len(value)}:{value}" for name, value in kept])
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]

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
