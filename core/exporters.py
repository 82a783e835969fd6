"""Exporters tell of others: which names are theirs, and what an alert is about that names no service.

By rule identity alone; answers about names are remembered.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from core.patterns import compile_pattern
from core.rules.identity import Identity
from core.workloads import host_of, is_exporter

_TOLD = 10_000
# Where a scrape was made: of an exporter that stands elsewhere, its own address.
_SCRAPED = "instance"
_HERE = frozenset(["localhost", "127.0.0.1", "[::1]", "::1"])


class Known(NamedTuple):
    """Of a name: whether the rule lists it or its end, whether it is an exporter's, whether it would be as
    that of a scrape job, and whether `instance` is what it tells of."""

    listed: bool
    exporter: bool
    job: bool
    there: bool


class Exporters:
    def __init__(self, rule: Identity) -> None:
        self._rule = rule
        self._patterns = [compile_pattern(text, "exporter_patterns") for text in rule.exporter_patterns]
        self._jobs = [compile_pattern(text, "exporter_jobs") for text in rule.exporter_jobs]
        self._known: dict[str, Known] = {}
        self._order = {there: _order(rule, there) for there in (False, True)}

    def known(self, name: str) -> Known:
        found = self._known.get(name)
        if found is None:
            if len(self._known) > _TOLD:
                self._known.clear()
            low = name.lower()
            listed = is_exporter(name, self._rule.exporters)
            exporter = listed or any(pattern.fullmatch(low) for pattern in self._patterns)
            job = any(pattern.fullmatch(low) for pattern in self._jobs)
            there = job or is_exporter(name, self._rule.node_exporters)
            found = self._known[name] = Known(listed, exporter, exporter or job, there)
        return found

    def things(self, labels: Mapping[str, str], exporter: str) -> Iterator[tuple[str, str]]:
        """What an alert that names no service is about, the best first: the word for it and its name. A
        machine has no word. `exporter`: who tells, or nothing."""
        who = self.known(exporter)
        order = self._order[who.there]
        own = not who.there and (who.listed or any(labels.get(name) for name in self._rule.pod))
        for _, word, address, label in sorted(order[name] for name in labels if name in order):
            said = host_of(labels[label]) if address else labels[label]
            if not said or (label == _SCRAPED and own):
                continue
            if not address or (said not in _HERE and not self.known(said).exporter):
                yield word, said


def _order(rule: Identity, there: bool) -> dict[str, tuple[int, str, bool, str]]:
    """By label: its place in line, its word, whether it is an address, and the label itself."""
    things = [(word, False, name) for word, names in rule.things.items() for name in names]
    hosts = [("", True, name) for name in rule.hosts]
    line = [
        *[("", False, name) for name in rule.node],
        *[("", True, name) for name in rule.targets],
        *(hosts + things if there else things + hosts),
        *[(word, False, name) for word, names in rule.parts.items() for name in names],
    ]
    return {name: (at, word, address, name) for at, (word, address, name) in reversed(list(enumerate(line)))}
