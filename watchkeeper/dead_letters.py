"""Dead letters as people meet them: listed with the reason, and sent in again after a fix.

Sending one in again appends its bytes as a new record that names the old one; the old record stays as it is.
"""

from __future__ import annotations

import asyncio

from connectors.inbound.registry import parse
from core.dead_letters import FIRST_CAME, REPLAYS, documents
from core.errors import InputError, NotFound
from core.journal import Draft, Record
from core.model.document import Document
from core.ports import Journal
from watchkeeper.engine_loop import EngineLoop
from watchkeeper.writer import JournalWriter

_APPLY_TIMEOUT = 10.0


class DeadLetters:
    def __init__(self, engine: EngineLoop, writer: JournalWriter, journal: Journal) -> None:
        self._engine, self._writer, self._journal = engine, writer, journal

    def listed(self) -> list[Document]:
        """Newest first; `read_as` is the record that brought one again and could be read."""
        with self._engine.reading() as fold:
            return list(documents(fold.engine.state.dead_letters))

    async def replay(self, seq: int) -> Document:
        """Send one in again. Raises NotFound, InputError while it cannot be read, JournalUnavailable."""
        record = await asyncio.to_thread(self._readable, seq)
        headers = {**record.headers, REPLAYS: str(seq), FIRST_CAME: str(record.received_at)}
        draft = Draft("ingest", record.source, record.payload, record.domain, headers)
        again = await self._writer.append(draft)
        await asyncio.to_thread(self._engine.wait_for, again, _APPLY_TIMEOUT)
        return {"record": again, "replays": seq}

    def _readable(self, seq: int) -> Record:
        with self._engine.reading() as fold:
            letter = fold.engine.state.dead_letters.get(str(seq))
            mappings = fold.engine.world.config.mappings
        rows = self._journal.read(seq - 1, 1) if letter is not None else []
        if letter is None:
            mend = "`watchkeeper dead-letters` lists them"
            raise NotFound(f"record {seq} is no dead letter", mend=mend)
        if not rows or rows[0].seq != seq or rows[0].erased:
            what = f"the body of record {seq} is gone: erased, or dropped with its days (--retain-days)"
            raise NotFound(what, mend="Have it sent again by its sender")
        if letter.read_as:
            what = f"record {seq} was read already, as record {letter.read_as}"
            raise InputError(what, where="dead letter", mend="Nothing is left to do")
        try:
            parse(rows[0], mappings)
        except InputError as error:
            what = f"record {seq} still cannot be read: {error.what}"
            raise InputError(what, where=error.where, mend=error.mend) from None
        return rows[0]
