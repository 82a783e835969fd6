"""Where an incident is, in words: the machine or the thing when no service is known, and the cluster, the
namespace, the environment and the domain, as far as anybody tells. It decides nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from core.model.incident import Episode, Incident
from core.narrative.plain import one_line
from core.rules.identity import Identity

# What alerts tell of, where it is neither a service nor a machine: the label, and its word.
_THINGS = {
    "topic": "topic",
    "consumergroup": "consumer group",
    "queue": "queue",
    "ifName": "interface",
    "ifDescr": "interface",
    "device": "device",
    "mountpoint": "mount point",
    "volume": "volume",
    "database": "database",
    "datname": "database",
    "domain_name": "domain name",
    "url": "address",
    "check": "check",
}
_MACHINES = ("exported_instance", "instance", "host", "hostname", "node", "nodename", "target", "pod")
# Of more alerts the first; of more places the first, and how many.
_LOOKED_AT, _SHOWN, _WIDTH = 200, 2, 80
_PARTS = ("clusters", "namespaces", "environments")
_WORD = {"clusters": "cluster", "namespaces": "namespace"}


def thing_of(labels: Mapping[str, str]) -> str:
    """`topic orders on kafka-1:9308`, `10.0.0.1:9100`; "" when no label tells."""
    machine = next((labels[name] for name in _MACHINES if labels.get(name)), "")
    thing = next((f"{word} {labels[name]}" for name, word in _THINGS.items() if labels.get(name)), "")
    return f"{thing} on {machine}" if thing and machine else thing or machine


def spot_of(episode: Episode) -> str:
    """The service, else the machine or the thing that an alert is about; "" when nothing tells."""
    return episode.entity.service or thing_of(episode.labels)


def where_json(incident: Incident, members: Sequence[Episode], names: Identity) -> dict[str, Any]:
    """`things`: of the alerts of the probable origin, where it has no service, else where one alone is meant;
    with the others of them counted in `things_total`. The rest are all places of the incident, sorted."""
    entity = incident.origin.entity if incident.origin else members[0].entity
    own = [one for one in members if one.entity == entity][:_LOOKED_AT]
    things = list(dict.fromkeys(filter(None, (thing_of(one.labels) for one in own))))
    namespaces = {_first(names.namespace, one.labels) for one in members[:_LOOKED_AT]} - {""}
    return {
        "things": [one_line(one, _WIDTH) for one in things[:_SHOWN]],
        "things_total": len(things),
        "clusters": sorted({one.cluster for one in incident.entities} - {""}),
        "namespaces": sorted(namespaces),
        "environments": sorted({one.environment for one in incident.entities} - {""}),
        "domain": incident.domain,
    }


def where_words(where: Mapping[str, Any] | None, *, things: bool = True) -> str:
    """`10.0.0.1:9100, cluster eu-1, namespace shop, production, domain tenant-a`; the domain `default` is not
    said. "" for a document of before, and when nothing is known."""
    if not where:
        return ""
    found = [_some(where["things"], where["things_total"])] if things else []
    for part in _PARTS:
        said = _some(where[part], len(where[part]))
        found.append(f"{_WORD[part]} {said}" if part in _WORD and said else said)
    domain = one_line(str(where["domain"]), _WIDTH)
    found.append(f"domain {domain}" if domain not in ("", "default") else "")
    return ", ".join(one for one in found if one)


def where_short(where: Mapping[str, Any] | None) -> str:
    """` in cluster eu-1, domain tenant-a`, to stand behind a title; "" where neither is known."""
    brief = {**where, "namespaces": [], "environments": []} if where else None
    words = where_words(brief, things=False)
    return f" in {words}" if words else ""


def _some(names: Iterable[str], total: int) -> str:
    shown = [one_line(str(name), _WIDTH) for name in list(names)[:_SHOWN]]
    more = total - len(shown)
    return " and ".join(shown) + (f" and {more} more" if more > 0 else "")


def _first(names: Iterable[str], labels: Mapping[str, str]) -> str:
    return next((labels[name] for name in names if labels.get(name)), "")
