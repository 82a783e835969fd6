"""An alert as it was sent: a part of a record of the journal, whatever form that has."""

from __future__ import annotations

from typing import Any

import orjson

from core.errors import NotFound
from core.journal import Record
from core.model.document import Document
from core.ports import Journal
from core.times import format_rfc3339


def raw_alert(journal: Journal, line: int, index: int) -> Document:
    """Part `index` of record `line`: `source`, `received_at`, `alert`. Raises NotFound."""
    records = journal.read(line - 1, 1) if 0 < line < 2**63 else []
    if 0 < line < journal.first():
        what = f"record {line} is gone: records are kept for some days (--retain-days)"
        raise NotFound(what, mend="What came of it is in its incident")
    if not records or records[0].seq != line or records[0].kind != "ingest":
        raise NotFound(f"record {line} holds no alert", mend="Take line and index from an incident's alerts")
    record = records[0]
    if index < 0:
        raise NotFound("no source sent this alert: a rule of ours raised it", mend="See its finding")
    if record.erased:
        raise NotFound(f"record {line} was erased", mend="Its hash and the reason are in the journal")
    alert = _part(record, index)
    return {"source": record.source, "received_at": format_rfc3339(record.received_at), "alert": alert}


def _part(record: Record, index: int) -> Any:
    """One alert of a body that is a list of them; other bodies whole; what is no JSON as text."""
    try:
        body = orjson.loads(record.payload)
    except orjson.JSONDecodeError:
        return record.payload.decode("utf-8", "replace")
    parts = body["alerts"] if isinstance(body, dict) and isinstance(body.get("alerts"), list) else body
    if isinstance(parts, list) and index >= len(parts):
        raise NotFound(
            f"record {record.seq} has no part {index}", mend="Take line and index from an incident"
        )
    alert = parts[index] if isinstance(parts, list) else parts
    try:
        orjson.dumps(alert)
    except TypeError:  # Nested deeper than can be written again: shown as the text it came as.
        return record.payload.decode("utf-8", "replace")
    return alert
