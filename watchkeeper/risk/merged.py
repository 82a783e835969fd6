"""What is told of a judged change when it is merged: the same judgement, with the commit that it became."""

from __future__ import annotations

import json

import msgspec

from core.model.events import RiskEvent
from core.risk.assessments import assessment_key
from core.times import format_rfc3339
from core.world import World


def merged_telling(world: World, judged: tuple[str, str, str], commit: str, now: int) -> bytes | None:
    """For source `risk`. `judged`: domain, repository and head. None where nobody judged it, or it says so
    already. The later telling counts, so `now` (ms UTC) is its time."""
    domain, repository, head = judged
    sought = RiskEvent(repository=repository, head=head, verdict="", at=now)
    assessed = world.state.assessments.get(assessment_key(domain, sought))
    if assessed is None or assessed.event.merged_as == commit:
        return None
    told = msgspec.to_builtins(assessed.event)
    matches = [match._asdict() for match in assessed.event.matches]
    at = format_rfc3339(max(now, assessed.event.at + 1))
    return json.dumps({**told, "matches": matches, "merged_as": commit, "at": at}).encode()
