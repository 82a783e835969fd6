"""A circuit breaker: after several failures in a row nobody is asked for a while, then one try is let
through."""

from __future__ import annotations


class Breaker:
    """Times in milliseconds. `failures` in a row open it for `open_s` seconds; then one caller may try, and
    what comes of it closes the breaker or opens it again."""

    def __init__(self, failures: int = 3, open_s: int = 60) -> None:
        self._most, self._open_ms = max(1, failures), open_s * 1_000
        self._failed = 0
        self._until = 0

    def allows(self, now: int) -> bool:
        """True lets the caller through; while it is half open, one caller in every `open_s`."""
        if self._failed < self._most:
            return True
        if now < self._until:
            return False
        self._until = now + self._open_ms
        return True

    def record(self, failed: bool, now: int) -> None:
        self._failed = self._failed + 1 if failed else 0
        if self._failed >= self._most:
            self._until = now + self._open_ms

    @property
    def failures(self) -> int:
        """In a row, up to now."""
        return self._failed
