"""The why-tree's node on grouping: for each alert, the link that joins it to one that began before it.

Taken from the link rules. Of a large incident the first alerts are told, and how many more there are.
"""

from __future__ import annotations

from core.correlation.verdict import joins_all
from core.findings.case import shortened
from core.model.finding import Why
from core.model.incident import Episode
from core.world import World

kind = "links"
_LOOKED_AT = 60


def why_joined(world: World, members: list[Episode]) -> Why:
    """`members` sorted by (start, id)."""
    if len(members) == 1:
        hint = "nothing was linked to it"
        return Why(kind, "The only alert", False, hint, {"alerts": 1}, children=(_began(members[0]),))
    looked_at = members[:_LOOKED_AT]
    rows = joins_all(world, looked_at)
    nodes = [_began(members[0]), *(why for _, why in rows)]
    joined = {looked_at[0].id} | {name for _, why in rows for name in why.evidence}
    nodes += [_unjoined(episode) for episode in looked_at if episode.id not in joined]
    children = shortened(nodes, kind)
    if len(members) > _LOOKED_AT:
        rest = len(members) - _LOOKED_AT
        children += (Why(kind, f"{rest} alerts that began later are not looked at", terms={"more": rest}),)
    said = f"What joins the {len(members)} alerts"
    return Why(kind, said, terms={"alerts": len(members)}, children=children)


def _began(episode: Episode) -> Why:
    return Why(kind, f"{_called(episode)} began", evidence=(episode.id,))


def _unjoined(episode: Episode) -> Why:
    hint = "a person put it here, or the rules, the catalogue or a change that joined it are others now"
    return Why(kind, _called(episode), counted=False, hint=hint, evidence=(episode.id,))


def _called(episode: Episode) -> str:
    return f"{episode.name or 'An alert'} of {episode.entity.service or 'no known service'}"
