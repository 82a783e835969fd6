"""Decisions: what the engine concluded must be known or done, each with a named reason.

Kinds `open`, `merge`, `split`, `severity`, `acknowledge`, `mitigate`, `resolve`, `reopen`, `close` tell what
became of an incident. Kind `notify` is for the dispatcher to perform, its outcome comes back as a record;
kind `enrich` for the agents, whose annotation does.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from core.canonical import content_id

DecisionKind = Literal[
    "open", "merge", "split", "severity", "acknowledge", "mitigate", "resolve", "reopen", "close", "notify",
    "enrich",
]  # fmt: skip
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
    kind: DecisionKind,
    subject: str,
    reason: str,
    *,
    at: int,
    seq: int,
    receiver: str = "",
    further: bool = False,
) -> Decision:
    """The id hashes (seq, kind, subject) and the reason: one record may arm two pages of one incident.

    `further`: the same page to one more receiver, whose name is then hashed too.
    """
    identity = content_id("dec", seq, kind, subject, reason, *([receiver] if further else []))
    return Decision(identity, kind, subject, reason, at, seq, receiver)
