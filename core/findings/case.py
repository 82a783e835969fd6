"""A case: what a finding rule may look at. Members, their changes, the catalogue and the rules; no text."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from core.canonical import content_id
from core.model.catalogue import Catalogue
from core.model.entity import Entity
from core.model.finding import Finding, Why
from core.model.incident import Change, Episode, Origin
from core.model.slo import Slo
from core.own_alerts import SOURCE
from core.rules.schema import RuleSet

SHOWN = 12


class Case(NamedTuple):
    """`members` are sorted by (start, id); `groups` holds those of known services by entity, by onset; `slos`
    are all that were told of, by their key."""

    incident: str
    members: list[Episode]
    groups: dict[Entity, list[Episode]]
    changes: list[Change]
    catalogue: Catalogue
    rules: RuleSet
    slos: dict[str, Slo]
    # Filled when they are first asked for: see probable_origin.
    origins: list[Origin]

    def onset(self, entity: Entity) -> int:
        return self.groups[entity][0].starts_at


def group_by_entity(members: list[Episode]) -> dict[Entity, list[Episode]]:
    groups: dict[Entity, list[Episode]] = {}
    for episode in members:
        if episode.entity.service:
            groups.setdefault(episode.entity, []).append(episode)
    return groups


def finding(case: Case, kind: str, subject: str, confidence: int, why: Why) -> Finding:
    """Its id names the incident, the kind and the subject, so that it stays while evidence is added."""
    identity = content_id("fnd", case.incident, kind, subject)
    return Finding(identity, kind, subject, why.summary, confidence, why.evidence, why)


def find_own(
    case: Case,
    kind: str,
    alert: str,
    nothing: str,
    hint: str,
    told: Callable[[Case, Episode], tuple[str, Why]],
) -> tuple[list[Finding], Why]:
    """Of the alerts of our own called `alert`: a finding for each subject, by its last alert. `told` gives an
    alert's subject and node; `nothing` and `hint` are said where there is no such alert."""
    own = [one for one in case.members if one.name == alert and one.source.partition("/")[2] == SOURCE]
    if not own:
        return [], Why(kind, nothing, counted=False, hint=hint)
    rows = [told(case, episode) for episode in own]
    nodes = [why for _, why in rows]
    findings = {subject: finding(case, kind, subject, 1000, why) for subject, why in rows}
    evidence = tuple(episode.id for episode in own)
    why = Why(kind, nodes[-1].summary, evidence=evidence, children=shortened(nodes, kind))
    return list(findings.values()), why


def shortened(nodes: list[Why], rule: str) -> tuple[Why, ...]:
    """At most SHOWN nodes; a last one says how many more there are."""
    if len(nodes) <= SHOWN:
        return tuple(nodes)
    rest = nodes[SHOWN:]
    return (*nodes[:SHOWN], and_more(rule, len(rest), sum(node.counted for node in rest)))


def and_more(rule: str, more: int, counted: int) -> Why:
    """Stands for nodes that are not told, of which so many count."""
    return Why(rule, f"and {more} more", counted=counted > 0, terms={"more": more, "counted": counted})
