"""The commands by which people move an incident: ack, resolve, reopen, close."""

from __future__ import annotations

from watchkeeper.cli.options import Actor, Reason, Url


def _move(incident: str, to: str, actor: str | None, reason: str, url: str | None) -> None:
    from watchkeeper.cli import show

    show.transition(incident, to, actor, reason, url)


def ack(incident: str, actor: Actor = None, reason: Reason = "", url: Url = None) -> None:
    """Acknowledge an incident: you are at work on it."""
    _move(incident, "acknowledged", actor, reason, url)


def resolve(incident: str, actor: Actor = None, reason: Reason = "", url: Url = None) -> None:
    """Resolve an incident: the trouble is over."""
    _move(incident, "resolved", actor, reason, url)


def reopen(incident: str, actor: Actor = None, reason: Reason = "", url: Url = None) -> None:
    """Reopen a resolved incident."""
    _move(incident, "triggered", actor, reason, url)


def close(incident: str, actor: Actor = None, reason: Reason = "", url: Url = None) -> None:
    """Close a resolved incident for good."""
    _move(incident, "closed", actor, reason, url)


MOVES = (ack, resolve, reopen, close)
