"""SIGKILL at a chosen call: a server that is traced dies when its so-manyth sync or write begins."""

from __future__ import annotations

from tests.faults.calls import SYNCS, WRITES
from tests.faults.ledger import Clients, Ledger
from tests.faults.record import Rule
from tests.faults.running import Traced
from tests.integration.server import ServerDied, within

_POINTS = {"sync": SYNCS, "write": WRITES}
KILLED = 128 + 9


def killed_at(traced: Traced, ledger: Ledger, what: str, number: int, seconds: float = 20.0) -> bool:
    """Start, send until it dies at call `number` of its kind (`sync` or `write`), counted from the start.
    Whether it was ready before."""
    traced.disturb(Rule(_POINTS[what], kill_at=number))
    server = traced.server()
    server.launch()
    try:
        try:
            server.wait_ready()
        except ServerDied as died:
            if f"ended with {KILLED}" in str(died):
                return False
            raise
        with Clients(server.port, ledger, count=3) as clients:
            assert within(seconds, lambda: not server.alive()), f"{what} {number} never came"
            clients.stop()
        return True
    finally:
        traced.disturb()
        server.__exit__(None, None, None)
