"""Decisions: what the engine concluded must be known or done, each with a named reason.

Kinds `open`, `merge`, `severity`, `acknowledge`, `resolve`, `reopen`, `close` tell what became of an
incident. Kind `notify` is for the dispatcher to perform, its outcome comes back as a record; kind `enrich`
for the agents, whose annotation does.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from core.canonical import content_id

DecisionKind = Literal[
    "open", "merge", "severity", "acknowledge", "resolve", "reopen", "close", "notify", "enrich"
]
PERFORMED: frozenset[DecisionKind] = frozenset({"notify", "enrich"})


class Decision(msgspec.Struct, frozen=True):
    """`seq` is the record that caused it (for a timer: the record that armed it), `at` when it holds.

    `receiver` is set on notify decisions only: the name that the routes gave, or "" for nobody.
    """

    id: str
    kind: DecisionKind
    subject: str
    reason: str
    at: int
    seq: int
    receiver: str = ""


def decide(
    kind: DecisionKind, subject: str, reason: str, *, at: int, seq: int, receiver: str = ""
) -> Decision:
    """The id hashes (seq, kind, subject) and the reason: one record may arm two pages of one incident."""
    identity = content_id("dec", seq, kind, subject, reason)
    return Decision(identity, kind, subject, reason, at, seq, receiver)
