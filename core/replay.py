"""Replay: fold a journal or an event file and say what came of it. No server, clock or network.

A file without `seq` is a recording: configuration is put before it, and after its last line the clock runs on
for as long as observations may be late, so that what was waiting is decided. An exported journal brings its
own configuration and ticks and ends where it ends.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress

import msgspec

from core.canonical import canonical_json, sha256_hex
from core.checkpoint import checkpoints, is_checkpoint, read_checkpoint, read_head, replaces
from core.checkpoint_parts import parts_in
from core.dead_letters import set_aside
from core.document import OUTSIDE, decision_json
from core.engine import Engine, Parse
from core.errors import EventLineError, InputError
from core.journal import Draft, Record, line_to_record
from core.model.decision import Decision
from core.model.document import Document
from core.ports import Journal
from core.replay_order import Line, upgrades_first, whole_lines


class Fold:
    """An engine with the history it leaves behind: forgotten incidents and all decisions.

    With `keep` False that history is handed on and not held: a server's goes into a projection.
    """

    def __init__(self, parse: Parse, version: str, *, keep: bool = True) -> None:
        self.version, self._keep = version, keep
        self.decisions: list[Document] = []
        self.forgotten: list[Document] = []
        # Why checkpoints were passed over at the beginning.
        self.passed_over: list[InputError] = []
        # The last record that is in the checkpoint it begins with, known before that is read.
        self.reaches = 0
        self._parse = parse
        self.engine = Engine(parse, on_forgotten=self.forgotten.append)

    def apply(self, record: Record, parts: Iterable[bytes] = ()) -> list[Decision]:
        """`parts` are those of a large checkpoint."""
        if is_checkpoint(record) and self._go_on_from(record, parts):
            return []
        decisions = self.engine.apply(record)
        if self._keep:
            self.decisions += map(decision_json, decisions)
        return decisions

    def take_up(self, record: Record) -> None:
        """A checkpoint that is told before its turn: where it replaces what was folded, go on from it."""
        self._go_on_from(record, ())

    def set_aside(self, record: Record, error: InputError) -> None:
        """A stored record that cannot be read stays without effect; an ingest one becomes a dead letter."""
        if record.kind == "ingest":
            set_aside(self.engine.state.dead_letters, record, error)

    def advance(self, now: int) -> list[Decision]:
        """Let time pass, as a tick would."""
        return self.apply(Record(self.engine.state.seq, now, "tick", "", b""))

    def _go_on_from(self, record: Record, parts: Iterable[bytes]) -> bool:
        """Take the state of a checkpoint, where it replaces what was folded so far. True: records before
        the checkpoint are still to be applied, and then it comes once more."""
        # Its state, which may be large, is read only where it is wanted.
        if not replaces(read_head(record), self.version, self.engine.state.seq):
            return False
        checkpoint = read_checkpoint(record, parts)
        self.decisions = list(checkpoint.decisions)
        self.forgotten = list(checkpoint.history)
        self.engine = Engine(self._parse, checkpoint.state, on_forgotten=self.forgotten.append)
        return checkpoint.reason == "retention"

    def begin(self, journal: Journal) -> int:
        """Go on from the newest checkpoint that can be read; the number after which to read.

        Without one all is folded anew. Raises InputError where the records for that are gone.
        """
        self.passed_over = []
        for record in checkpoints(journal):
            try:
                head = read_head(record)
                self.reaches = max(0, head.seq)
                self.apply(record, parts_in(journal, record, head))
            except InputError as error:
                self.passed_over.append(error)
            else:
                return max(0, self.engine.state.seq)
        self.reaches = 0
        if self.passed_over and journal.first() > 1:
            raise self.passed_over[0]
        return 0

    def incidents(self) -> list[Document]:
        return [*self.forgotten, *self.engine.documents()]


def result(fold: Fold, line_of: dict[int, int] | None = None) -> Document:
    """The replay document. `line_of` maps record numbers to lines of the file."""
    incidents = [
        {key: value for key, value in incident.items() if key not in OUTSIDE} for incident in fold.incidents()
    ]
    document: Document = {
        "incidents": incidents,
        "findings": [
            {"incident": incident["id"], **finding}
            for incident in incidents
            for finding in incident["findings"]
        ],
        "decisions": fold.decisions,
    }
    digest = digest_of(document)
    if line_of is not None:
        for incident in incidents:
            for row in (*incident["alerts"], *incident["changes"]):
                row["line"] = line_of.get(row["line"], row["line"])
    return {"version": fold.version, "digest": digest, **document}


def digest_of(document: Document) -> str:
    """SHA-256 over incidents, findings and decisions, without line numbers."""
    hashed = {
        "incidents": [_hashed(incident) for incident in document["incidents"]],
        "findings": document["findings"],
        "decisions": document["decisions"],
    }
    return sha256_hex(canonical_json(hashed))


def _hashed(incident: Document) -> Document:
    lines = {key: [_without_line(row) for row in incident[key]] for key in ("alerts", "changes")}
    return {**incident, **lines}


def _without_line(row: Document) -> Document:
    return {key: value for key, value in row.items() if key != "line"}


def read_lines(lines: Iterable[str]) -> Iterator[Line]:
    """Records of an event file. Ticks take no number; time never goes back. Raises EventLineError.

    Of a journal whose oldest records were dropped, the first checkpoint comes first: the state that the
    records beside it go on from. What that state holds already has no effect a second time.
    """
    numbered = whole_lines(_numbered(lines))
    first = next(numbered, None)
    if first is None:
        return
    held = [first]
    if first.own_seq and first.record.seq > 1:
        for line in numbered:
            held.append(line)
            if _holds_all_before(line.record, first.record.seq):
                yield line
                break
    yield from held
    yield from numbered


def _holds_all_before(record: Record, seq: int) -> bool:
    """Whether it is a checkpoint whose state reaches up to record `seq`."""
    return is_checkpoint(record) and read_head(record).seq >= seq - 1


def _numbered(lines: Iterable[str]) -> Iterator[Line]:
    seq = latest = 0
    for number, text in enumerate(lines, 1):
        if not text.strip():
            continue
        record, own = line_to_record(text, number, seq + 1)
        if own and record.kind != "tick" and record.seq <= seq:
            raise EventLineError(
                f"`seq` {record.seq} follows {seq}",
                where=f"line {number}",
                mend="Keep the order of the export",
            )
        if record.kind == "tick" and not own:
            record = _renumbered(record, seq)
        latest = max(latest, record.received_at)
        seq = max(seq, record.seq)
        yield Line(_at(record, latest), number, own)


def _renumbered(record: Record, seq: int) -> Record:
    return msgspec.structs.replace(record, seq=seq)


def _at(record: Record, at: int) -> Record:
    if record.received_at == at:
        return record
    return msgspec.structs.replace(record, received_at=at)


def replay_file(lines: Iterable[str], parse: Parse, configuration: Iterable[Draft], version: str) -> Document:
    """The replay document of an event file. Raises EventLineError, naming the line, for what cannot be read.

    `configuration` is put before a recording; of an export it replaces the documents of the same names.
    """
    drafts = list(configuration)
    fold = Fold(parse, version)
    line_of: dict[int, int] = {}
    exported = False
    last: Line | None = None
    for line in upgrades_first(read_lines(lines)):
        if last is None:
            exported = line.own_seq
            _configure(fold, drafts, line.record.received_at)
        if line.early:
            with suppress(InputError):
                fold.take_up(line.record)
            continue
        last = line
        if line.record.kind != "tick":
            line_of[line.record.seq] = line.number
        _apply(fold, line, exported)
    if last is None:
        raise EventLineError("no events in it", where="file", mend="Write at least one line")
    if not exported:
        late_after = fold.engine.world.rules.lifecycle.late_after
        fold.advance(last.record.received_at + late_after)
    return result(fold, line_of)


def _configure(fold: Fold, drafts: list[Draft], at: int) -> None:
    for draft in drafts:
        fold.engine.state.seq = -1
        fold.apply(Record(0, at, draft.kind, draft.source, draft.payload))


def _apply(fold: Fold, line: Line, exported: bool) -> None:
    try:
        fold.apply(line.record)
    except InputError as error:
        if exported:  # The server stored it and could not read it either.
            fold.set_aside(line.record, error)
            return
        where = f"line {line.number}" + (f", {error.where}" if error.where else "")
        raise EventLineError(error.what, where=where, mend=error.mend) from None
