"""Memory without a disk: the port's first implementation, with a BM25 of its own in plain Python."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Literal

from core.ports import Recalled, Remembered
from retrieval import bm25
from retrieval.likeness import domain_of, rank


class InMemory:
    """One lock: puts and recalls may come from any thread."""

    def __init__(self) -> None:
        self._all: dict[str, Remembered] = {}
        self._holders: dict[str, set[str]] = {}
        self._lock = threading.Lock()

    def put(self, remembered: Sequence[Remembered]) -> None:
        with self._lock:
            for one in remembered:
                self._remove(one.id)
                self._all[one.id] = one
                for token in bm25.tokens(one):
                    self._holders.setdefault(token, set()).add(one.id)

    def forget(self, ids: Sequence[str]) -> None:
        with self._lock:
            for name in ids:
                self._remove(name)

    def recall(self, like: Remembered, kind: Literal["incident", "runbook"], limit: int) -> list[Recalled]:
        with self._lock:
            candidates = self._candidates(like, kind, bm25.kept(limit))
        return rank(like, candidates, limit)

    def _candidates(self, like: Remembered, kind: str, wanted: int) -> list[Remembered]:
        scores: dict[str, float] = {}
        for token, weight in bm25.weights(like).items():
            holders = self._holders.get(token, set())
            worth = weight * bm25.rarity(len(self._all), len(holders))
            for name in holders:
                scores[name] = scores.get(name, 0.0) + worth
        found = [(score, self._all[name]) for name, score in scores.items() if self._fits(name, like, kind)]
        found.sort(key=lambda row: -row[0])
        least = bm25.threshold([score for score, _ in found], wanted)
        return [one for score, one in found if score >= least]

    def _fits(self, name: str, like: Remembered, kind: str) -> bool:
        other = self._all[name]
        domains = {domain_of(like), domain_of(other)} - {""}
        return other.kind == kind and name != like.id and len(domains) < 2

    def _remove(self, name: str) -> None:
        one = self._all.pop(name, None)
        if one is None:
            return
        for token in bm25.tokens(one):
            holders = self._holders[token]
            holders.discard(name)
            if not holders:
                del self._holders[token]
