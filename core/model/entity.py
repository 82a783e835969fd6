"""An entity: one service in one environment of one cluster of one domain. Links join entities' alerts.

An empty `service` means that nobody said which service it is: such an alert joins nothing by service.
"""

from __future__ import annotations

from typing import NamedTuple


class Entity(NamedTuple):
    domain: str
    environment: str
    cluster: str
    service: str

    def peer(self, service: str) -> Entity:
        """Another service in the same domain, environment and cluster."""
        return self._replace(service=service)
