"""The shop's one table of truth: who exists, who owns it, and whom it calls.

Processes, the scrape configuration and the catalogue are all made from this table, so they cannot
disagree. The graph has two halves with no edge between them: selling (everything that leads to
payments or inventory) and helping (everything that leads to the search index or the mailer).
"""

from __future__ import annotations

from dataclasses import dataclass

CLUSTER = "shop-eu"
ENVIRONMENT = "production"


@dataclass(frozen=True)
class Service:
    """One row: `version` is what runs before anyone deploys; `tier` 1 is what customers touch."""

    name: str
    team: str
    owner: str
    tier: int
    version: str
    depends_on: tuple[str, ...] = ()


SERVICES: tuple[Service, ...] = (
    Service("storefront", "web", "amara", 1, "5.12.0", ("checkout", "inventory")),
    Service("mobile-api", "mobile", "jonas", 1, "3.8.1", ("checkout", "subscriptions")),
    Service("checkout", "orders", "priya", 1, "4.2.3", ("inventory", "payments")),
    Service("subscriptions", "orders", "priya", 2, "1.7.0", ("payments",)),
    Service("payments", "payments", "lena", 1, "2.3.9"),
    Service("inventory", "stock", "tomasz", 2, "3.1.0", ("inventory-db",)),
    Service("inventory-db", "stock", "tomasz", 2, "15.4"),
    Service("help-center", "support", "noor", 2, "2.0.5", ("search", "mailer")),
    Service("search", "discovery", "omar", 2, "6.4.0", ("search-index",)),
    Service("search-index", "discovery", "omar", 3, "6.4.0"),
    Service("mailer", "support", "noor", 3, "1.9.1"),
)

BY_NAME: dict[str, Service] = {service.name: service for service in SERVICES}


def reach(origin: str) -> frozenset[str]:
    """The services a fault of `origin` can hurt: itself and everyone who calls it, directly or not."""
    hurt = {origin}
    while True:
        callers = {service.name for service in SERVICES if hurt.intersection(service.depends_on)}
        if callers <= hurt:
            return frozenset(hurt)
        hurt |= callers


def catalogue() -> dict[str, list[dict[str, object]]]:
    """The table as a Watchkeeper catalogue, ready to be written as YAML."""
    return {"services": [_entry(service) for service in SERVICES]}


def _entry(service: Service) -> dict[str, object]:
    return {
        "name": service.name,
        "depends_on": list(service.depends_on),
        "owner": service.owner,
        "team": service.team,
        "tier": service.tier,
        "environment": ENVIRONMENT,
        "cluster": CLUSTER,
        "repository": f"https://git.example/shop/{service.name}",
    }
