"""One shard of the embedded Qdrant engine: sparse BM25 vectors with their payloads, on disk.

Whatever the engine raises comes out as EngineFailed. Import it late: the engine is a heavy library.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from qdrant_edge import (
    Bm25,
    Bm25Config,
    DisabledStemmer,
    EdgeConfig,
    EdgeShard,
    EdgeSparseVectorParams,
    FieldCondition,
    Filter,
    HasIdCondition,
    MatchAny,
    MatchValue,
    Modifier,
    PayloadSchemaType,
    Point,
    Query,
    QueryRequest,
    ScrollRequest,
    SparseVector,
    StopwordsSet,
    TokenizerType,
    UpdateOperation,
)

_VECTOR, _BATCH, _PAGE = "tokens", 200, 1_000
_INDEXED = ("kind", "domain")
_IDS = uuid.UUID("6f1d3c52-8a0e-4b43-9a51-0c6f3f0f5d11")


class EngineFailed(Exception):
    """The engine refused, or what it has stored cannot be read."""


class Entry(NamedTuple):
    """`domain` may be empty; `body` comes back as it went in."""

    id: str
    tokens: Sequence[str]
    kind: str
    domain: str
    body: str


class Hit(NamedTuple):
    score: float
    body: str


class Shard:
    """Opens what is in `folder`, or makes it. Raises EngineFailed when it cannot be read to its end."""

    def __init__(self, folder: Path) -> None:
        # b=0: a term weighs the same beside a long text and beside none. Tokens are made by bm25.py, so the
        # engine may only split at blanks.
        self._model = Bm25(
            Bm25Config(
                b=0.0,
                tokenizer=TokenizerType.Whitespace,
                lowercase=False,
                stopwords=StopwordsSet(),
                stemmer=DisabledStemmer(),
            )
        )
        with _engine():
            self._shard = _opened(folder)

    def put(self, entries: Sequence[Entry]) -> None:
        with _engine():
            for start in range(0, len(entries), _BATCH):
                points = [self._point(entry) for entry in entries[start : start + _BATCH]]
                self._shard.update(UpdateOperation.upsert_points(points))

    def delete(self, ids: Sequence[str]) -> None:
        with _engine():
            self._shard.update(UpdateOperation.delete_points([_point_id(name) for name in ids]))

    def flush(self) -> None:
        """Write down what the log holds, so that the log can be cut."""
        with _engine():
            self._shard.flush()

    def close(self) -> None:
        with _engine():
            self._shard.close()

    def search(
        self, weights: Mapping[str, float], kind: str, domains: Sequence[str], but: str, limit: int
    ) -> list[Hit]:
        """The best `limit` of a kind and of some domains (none given: of all), without the id `but`."""
        with _engine():
            must = [FieldCondition("kind", match=MatchValue(kind))]
            if domains:
                must.append(FieldCondition("domain", match=MatchAny(list(domains))))
            wanted = Filter(must=list(must), must_not=[HasIdCondition({_point_id(but)})])
            query = Query.Nearest(self._query(weights), using=_VECTOR)
            request = QueryRequest(limit=limit, query=query, filter=wanted, with_payload=["body"])
            found = self._shard.query(request)
            return [Hit(point.score, (point.payload or {})["body"]) for point in found]

    def _point(self, entry: Entry) -> Point:
        vector = self._model.embed_document(" ".join(entry.tokens))
        payload = {"kind": entry.kind, "domain": entry.domain, "body": entry.body}
        return Point(_point_id(entry.id), {_VECTOR: vector}, payload)

    def _query(self, weights: Mapping[str, float]) -> SparseVector:
        values: dict[int, float] = {}
        for token, weight in weights.items():
            for index in self._model.embed_query(token).indices:
                values[index] = values.get(index, 0.0) + weight
        return SparseVector(list(values), list(values.values()))


def _opened(folder: Path) -> EdgeShard:
    if any(folder.iterdir()):
        shard = EdgeShard.load(str(folder))
        _read_through(shard)
        return shard
    sparse = {_VECTOR: EdgeSparseVectorParams(modifier=Modifier.Idf)}
    shard = EdgeShard.create(str(folder), EdgeConfig(sparse_vectors=sparse))
    for field in _INDEXED:
        shard.update(UpdateOperation.create_field_index(field, PayloadSchemaType.Keyword))
    return shard


def _read_through(shard: EdgeShard) -> None:
    """A damaged page may open well and fail when somebody asks: better now."""
    missing = set(_INDEXED) - set(shard.info().payload_schema)
    if missing:
        raise EngineFailed(f"no index of {', '.join(sorted(missing))}")
    offset = None
    while True:
        rows, offset = shard.scroll(ScrollRequest(offset=offset, limit=_PAGE, with_payload=["body"]))
        if any("body" not in (row.payload or {}) for row in rows):
            raise EngineFailed("a point has lost its payload")
        if offset is None:
            return


def _point_id(name: str) -> str:
    return str(uuid.uuid5(_IDS, name.encode("utf-8", "surrogatepass").hex()))


@contextmanager
def _engine() -> Iterator[None]:
    try:
        yield
    except (EngineFailed, KeyboardInterrupt, SystemExit, GeneratorExit):
        raise
    except BaseException as error:  # The engine's errors are bare Exceptions, its panics not even that.
        raise EngineFailed(f"{type(error).__name__}: {error}"[:300]) from error
