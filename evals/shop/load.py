"""The shop's customers as one process: `python -m evals.shop.load --ports JSON`.

A few visits a second at each of the three front doors. The mix is drawn from a fixed seed; a visit that
fails is simply over, as it is for a customer.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import threading
import time
from collections.abc import Callable

from evals.shop import wire
from evals.shop.behaviour import SHELF, Message

CURRENCIES = ("EUR", "USD", "GBP")
CURRENCY_WEIGHTS = (40, 35, 25)
QUESTIONS = ("where is my parcel", "how long to steep", "cancel a plan", "is it organic")


def _shopper(actions: tuple[str, ...]) -> Callable[[random.Random], Message]:
    def visit(dice: random.Random) -> Message:
        return {
            "action": dice.choice(actions),
            "item": dice.choice(SHELF),
            "currency": dice.choices(CURRENCIES, CURRENCY_WEIGHTS)[0],
        }

    return visit


def _reader(dice: random.Random) -> Message:
    return {"action": dice.choice(("find", "find", "find", "ask")), "text": dice.choice(QUESTIONS)}


# front door -> (visits a second, what a visit asks for)
DOORS: dict[str, tuple[float, Callable[[random.Random], Message]]] = {
    "storefront": (4.0, _shopper(("browse", "buy"))),
    "mobile-api": (3.0, _shopper(("buy", "renew"))),
    "help-center": (2.0, _reader),
}


def visit_forever(door: str, port: int) -> None:
    """Send visits to one door at its rate, each in a thread of its own so that a slow one delays no other."""
    per_second, visit = DOORS[door]
    dice = random.Random(door)
    while True:
        threading.Thread(target=_visit, args=(port, visit(dice)), daemon=True).start()
        time.sleep(1 / per_second)


def _visit(port: int, request: Message) -> None:
    with contextlib.suppress(wire.CallFailed):
        wire.post(port, "/call", request, timeout=10.0)


def main() -> None:
    parser = argparse.ArgumentParser(description="Send customers to the shop.")
    parser.add_argument("--ports", required=True, type=json.loads, help="JSON: service name to port")
    ports = parser.parse_args().ports
    doors = [threading.Thread(target=visit_forever, args=(door, ports[door])) for door in DOORS]
    for door in doors:
        door.start()


if __name__ == "__main__":
    main()
