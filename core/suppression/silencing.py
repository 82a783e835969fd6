"""Records of kind `silence`: people put, change and end silences, and dismiss incidents until a time.

What a record must be to be read is checked here; what is useless or contradicts itself is refused at the
door, see checking.py. A silence that is over is kept for some days, for people to look at.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from core.config import typed_payload
from core.errors import InputError, TransitionRefused
from core.journal import Draft, Record, json_draft
from core.model.incident import OPEN, Incident, Snooze
from core.standing import judge_soon
from core.suppression.holding import unsettle
from core.suppression.matchers import Matcher, Matchers, parse_matchers
from core.suppression.returning import come_back, look_at_all
from core.suppression.silences import Silence, SilenceEdit
from core.times import DAY, format_rfc3339, parse_rfc3339
from core.world import Turn

KEPT = 5 * DAY
_MAX_HISTORY = 50


class SilenceOp(msgspec.Struct, frozen=True):
    """The payload. `put` and `expire` are of the silence `id`, `dismiss` and `return` of `incident`; times
    are RFC 3339. A dismissal lasts until `ends_at`."""

    op: Literal["put", "expire", "dismiss", "return"]
    author: str
    id: str = ""
    incident: str = ""
    matchers: tuple[str, ...] = ()
    starts_at: str = ""
    ends_at: str = ""
    comment: str = ""


class Read(msgspec.Struct, frozen=True):
    """The payload with its texts read."""

    op: SilenceOp
    matchers: tuple[Matcher, ...]
    starts_at: int
    ends_at: int


def put_draft(silence: Silence, source: str) -> Draft:
    return _draft(
        SilenceOp(
            "put",
            silence.author,
            id=silence.id,
            matchers=tuple(one.text for one in silence.matchers),
            starts_at=format_rfc3339(silence.starts_at),
            ends_at=format_rfc3339(silence.ends_at),
            comment=silence.comment,
        ),
        source,
    )


def expire_draft(name: str, actor: str, source: str) -> Draft:
    return _draft(SilenceOp("expire", actor, id=name), source)


def dismiss_draft(incident: str, until: int, actor: str, reason: str, source: str) -> Draft:
    when = format_rfc3339(until)
    return _draft(SilenceOp("dismiss", actor, incident=incident, ends_at=when, comment=reason), source)


def return_draft(incident: str, actor: str, source: str) -> Draft:
    return _draft(SilenceOp("return", actor, incident=incident), source)


def read_op(record: Record) -> Read:
    """Raises InputError naming what cannot be read."""
    op: SilenceOp = typed_payload(record, SilenceOp)
    where = f"{record.kind} record {record.seq}"
    if not (op.incident if op.op in ("dismiss", "return") else op.id):
        raise InputError("it does not say of what", where=where, mend="Give `id`, or `incident`")
    matchers = tuple(one for text in op.matchers for one in parse_matchers(text))
    if op.op == "put" and not matchers:
        raise InputError("a silence without matchers", where=where, mend="Give one at least")
    ends = _time(op.ends_at, "ends_at", where) if op.op in ("put", "dismiss") else 0
    starts = _time(op.starts_at, "starts_at", where) if op.op == "put" else 0
    return Read(op, matchers, starts, ends)


def apply_silence(turn: Turn, read: Read) -> None:
    """What was refused at the door cannot come here; what is no longer so by now has no effect."""
    match read.op.op:
        case "put":
            _put(turn, read)
        case "expire":
            _expire(turn, read.op)
        case "dismiss" | "return":
            state = turn.world.state
            incident = state.incidents.get(turn.world.resolve_id(read.op.incident))
            if incident is not None and incident.status in OPEN:
                _dismiss(turn, incident, read)
            else:
                what = f"{read.op.incident} is over"
                turn.refused = TransitionRefused(what, where="dismissal", mend="Nothing is left to do")


def on_silence_timer(turn: Turn, name: str) -> None:
    """When a silence begins or ends its incidents look otherwise; one that is over for long is forgotten."""
    silence = turn.world.state.silences.get(name)
    if silence is None:
        return
    if turn.at >= silence.ends_at + KEPT:
        del turn.world.state.silences[name]
        turn.world.suppression.silences_changed()
        return
    _show(turn, silence)
    _wait(turn, silence)


def _put(turn: Turn, read: Read) -> None:
    op, state = read.op, turn.world.state
    before = state.silences.get(op.id)
    text = ", ".join(one.text for one in read.matchers)
    edit = SilenceEdit(turn.at, "put", op.author, read.starts_at, read.ends_at, text)
    history = (*(before.history if before else ()), edit)[-_MAX_HISTORY:]
    _keep(
        turn,
        Silence(
            op.id,
            read.matchers,
            read.starts_at,
            read.ends_at,
            op.author,
            op.comment,
            turn.at,
            turn.seq,
            history,
        ),
    )


def _expire(turn: Turn, op: SilenceOp) -> None:
    before = turn.world.state.silences.get(op.id)
    if before is None or before.state(turn.at) == "expired":
        return
    starts = min(before.starts_at, turn.at)
    text = ", ".join(one.text for one in before.matchers)
    edit = SilenceEdit(turn.at, "expire", op.author, starts, turn.at, text)
    history = (*before.history, edit)[-_MAX_HISTORY:]
    _keep(
        turn,
        msgspec.structs.replace(
            before, starts_at=starts, ends_at=turn.at, updated_at=turn.at, history=history
        ),
    )


def _keep(turn: Turn, silence: Silence) -> None:
    before = turn.world.state.silences.get(silence.id)
    turn.world.state.silences[silence.id] = silence
    turn.world.suppression.silences_changed()
    for one in (before, silence):
        if one is not None:
            _show(turn, one)
    _wait(turn, silence)
    look_at_all(turn)


def _wait(turn: Turn, silence: Silence) -> None:
    moments = (silence.starts_at, silence.ends_at, silence.ends_at + KEPT)
    due = min((moment for moment in moments if moment > turn.at), default=turn.at + KEPT)
    turn.arm(f"silence:{silence.id}", due)


def _show(turn: Turn, silence: Silence) -> None:
    """Whoever looks at an incident with alerts that fit sees it anew."""
    state, matchers = turn.world.state, Matchers(silence.matchers)
    for episode in state.episodes.values():
        if episode.status != "resolved" and episode.incident in state.incidents and matchers.fit(episode):
            state.incidents[episode.incident].version += 1
            judge_soon(turn, state.incidents[episode.incident])


def _dismiss(turn: Turn, incident: Incident, read: Read) -> None:
    op = read.op
    if op.op == "return":
        if incident.snooze is not None:
            come_back(turn, incident, "person", actor=op.author)
        return
    if read.ends_at <= turn.at:
        return
    incident.snooze = Snooze(
        op.author, op.comment, turn.at, read.ends_at, incident.severity, len(incident.entities)
    )
    unsettle(incident)
    words = op.comment or f"until {format_rfc3339(read.ends_at)}"
    turn.note(incident, "dismissed", "person", actor=op.author, detail=words)
    judge_soon(turn, incident)


def _draft(op: SilenceOp, source: str) -> Draft:
    filled = {name: value for name, value in msgspec.to_builtins(op).items() if value not in ("", [], ())}
    return json_draft("silence", source, {"author": "", **filled})


def _time(text: str, key: str, where: str) -> int:
    try:
        return parse_rfc3339(text)
    except ValueError:
        raise InputError(
            f"`{key}` is no RFC 3339 time: {text[:60]!r}", where=where, mend='Write "2026-11-21T03:00:00Z"'
        ) from None
