"""The projection on DuckDB: the last document of every incident, for history and figures.

It can be deleted at any time; the journal brings it back. One writer, in batches: a commit costs about a
millisecond whatever it holds, and many rows go in as one JSON parameter. DuckDB may not read other files.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import duckdb
import orjson

from core.errors import ProjectionUnavailable
from core.model.document import Document

FILE_NAME = "history.duckdb"
_SCHEMA = """
CREATE OR REPLACE TABLE incidents (
  id VARCHAR PRIMARY KEY, opened_at VARCHAR, status VARCHAR, severity VARCHAR, title VARCHAR,
  forgotten BOOLEAN, document VARCHAR
)
"""
_MERGED = "CREATE OR REPLACE TABLE merged (id VARCHAR PRIMARY KEY, leads_to VARCHAR)"
_INSERT = """
INSERT OR REPLACE INTO incidents
SELECT row.id, row.opened_at, row.status, row.severity, row.title, row.forgotten, row.document
FROM (SELECT unnest(from_json(?::JSON, '[{
  "id":"VARCHAR", "opened_at":"VARCHAR", "status":"VARCHAR", "severity":"VARCHAR", "title":"VARCHAR",
  "forgotten":"BOOLEAN", "document":"VARCHAR"}]')) AS row)
"""
_INSERT_MERGED = """
INSERT OR REPLACE INTO merged
SELECT row.id, row.leads_to
FROM (SELECT unnest(from_json(?::JSON, '[{"id":"VARCHAR", "leads_to":"VARCHAR"}]')) AS row)
"""
_PART_BYTES = 4 * 1024 * 1024


class DuckdbProjection:
    """Starts empty: whoever opens it folds the journal into it."""

    def __init__(self, directory: Path) -> None:
        path = directory / FILE_NAME
        # A file of a version that cannot be read any more would stop the server for nothing.
        for stale in (path, path.with_name(path.name + ".wal")):
            stale.unlink(missing_ok=True)
        self._path = path
        self._connection = self._connect()
        self._connection.execute(_SCHEMA)
        self._connection.execute(_MERGED)
        self._lock = threading.Lock()

    def put(self, documents: Sequence[Document], forgotten: Sequence[str]) -> None:
        gone = set(forgotten)
        rows = [
            {
                **{key: document[key] for key in ("id", "opened_at", "status", "severity", "title")},
                "forgotten": document["id"] in gone,
                "document": orjson.dumps(document).decode("utf-8"),
            }
            for document in documents
        ]
        merged = [
            {"id": name, "leads_to": document["id"]}
            for document in documents
            if document["id"] in gone
            for name in document.get("merged_from", ())
        ]
        with self._lock:
            try:
                if merged:
                    self._connection.execute(_INSERT_MERGED, [orjson.dumps(merged).decode("utf-8")])
                for part in _parts(rows):
                    self._connection.execute(_INSERT, [orjson.dumps(part).decode("utf-8")])
            except duckdb.Error as error:
                self._reopen()
                raise ProjectionUnavailable(
                    f"history cannot be written ({str(error).splitlines()[0]})",
                    where=str(self._path),
                    mend="Free space; it then goes on by itself",
                ) from error

    def _connect(self) -> duckdb.DuckDBPyConnection:
        config: dict[str, Any] = {"threads": 1, "memory_limit": "1GB", "enable_external_access": False}
        return duckdb.connect(str(self._path), config=config)

    def _reopen(self) -> None:
        """After a failed commit DuckDB may refuse everything; what is on disk decides."""
        with suppress(duckdb.Error):
            self._connection.close()
        with suppress(duckdb.Error):
            self._connection = self._connect()

    def get(self, incident_id: str) -> Document | None:
        with self._lock:
            lead = self._connection.execute(
                "SELECT leads_to FROM merged WHERE id = ?", [incident_id]
            ).fetchone()
            row = self._connection.execute(
                "SELECT document FROM incidents WHERE id = ?", lead or [incident_id]
            ).fetchone()
        return orjson.loads(row[0]) if row else None

    def page(self, status: str | None, before: tuple[str, str] | None, limit: int) -> list[Document]:
        opened_at, name = before or ("9", "")
        with self._lock:
            rows = self._connection.execute(
                "SELECT document FROM incidents WHERE forgotten AND (status = ? OR ? IS NULL)"
                " AND (opened_at, id) < (?, ?) ORDER BY opened_at DESC, id DESC LIMIT ?",
                [status, status, opened_at, name, limit],
            ).fetchall()
        return [orjson.loads(row[0]) for row in rows]

    def count(self, status: str | None, without: Sequence[str]) -> int:
        with self._lock:
            row = self._connection.execute(
                "SELECT count(*) FROM incidents WHERE forgotten AND (status = ? OR ? IS NULL)"
                " AND NOT list_contains(?::VARCHAR[], id)",
                [status, status, list(without)],
            ).fetchone()
        return int(row[0]) if row else 0

    def close(self) -> None:
        with self._lock:
            self._connection.close()


def _parts(rows: list[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """`rows` in parts of a few megabytes: one statement's parameter is held several times over."""
    part: list[dict[str, Any]] = []
    size = 0
    for row in rows:
        size += len(row["document"])
        part.append(row)
        if size >= _PART_BYTES:
            yield part
            part, size = [], 0
    if part:
        yield part
