"""What each service does with a request, and the bugs that some versions and settings bring.

A behaviour takes the running service and a request, calls its dependencies, and returns an answer or
raises. Nothing here knows that it is being watched: a fault shows only through what it breaks.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Protocol

Message = dict[str, Any]


class Running(Protocol):
    """What a behaviour may ask of the process it runs in."""

    @property
    def version(self) -> str: ...

    def setting(self, name: str) -> str: ...

    def call(self, service: str, request: Message) -> Message: ...


Behaviour = Callable[[Running, Message], Message]

FEES_PER_MILLE = {"EUR": 12, "GBP": 17, "USD": 19}
# Payments 2.4.0 moved the fees to a new table and forgot two currencies: looking one up raises.
FEES_PER_MILLE_2_4_0 = {"EUR": 12}

SHELF = ("assam", "darjeeling", "genmaicha", "keemun", "oolong", "rooibos", "sencha", "yunnan")
HITS_PER_SEARCH = 30
INDEX_READ_SECONDS = 0.025


def storefront(running: Running, request: Message) -> Message:
    if request["action"] == "buy":
        return running.call("checkout", request)
    return running.call("inventory", {"op": "look", "item": request["item"]})


def mobile_api(running: Running, request: Message) -> Message:
    target = "checkout" if request["action"] == "buy" else "subscriptions"
    return running.call(target, request)


def checkout(running: Running, request: Message) -> Message:
    held = running.call("inventory", {"op": "hold", "item": request["item"]})
    paid = running.call("payments", {"amount": 1450, "currency": request["currency"]})
    return {"hold": held["left"], "paid": paid["charged"]}


def subscriptions(running: Running, request: Message) -> Message:
    return running.call("payments", {"amount": 990, "currency": request["currency"]})


def payments(running: Running, request: Message) -> Message:
    fees = FEES_PER_MILLE_2_4_0 if running.version == "2.4.0" else FEES_PER_MILLE
    amount = int(request["amount"])
    return {"charged": amount + amount * fees[request["currency"]] // 1000}


def inventory(running: Running, request: Message) -> Message:
    answer = running.call("inventory-db", request)
    if running.version == "3.2.0":
        return {**answer, "shelf": _shelf_3_2_0(request["item"])}
    return answer


def _shelf_3_2_0(item: str) -> int:
    # Inventory 3.2.0 means to cut the ending "-can" off a name; rstrip takes any of these letters, so
    # that "yunnan" becomes "yu", which is on no shelf.
    return SHELF.index(item.rstrip("-can"))


def _new_inventory_db() -> Behaviour:
    stock = dict.fromkeys(SHELF, 500)

    def inventory_db(_running: Running, request: Message) -> Message:
        if request["op"] == "hold":
            stock[request["item"]] = stock[request["item"]] - 1 or 500
        return {"left": stock[request["item"]]}

    return inventory_db


def help_center(running: Running, request: Message) -> Message:
    if request["action"] == "ask":
        return running.call("mailer", {"to": "support", "text": request["text"]})
    return running.call("search", {"text": request["text"]})


def search(running: Running, request: Message) -> Message:
    hits = running.call("search-index", {"text": request["text"]})["hits"]
    if running.setting("deep-ranking") == "on":
        # The flag's bug: one more read of the index for every hit, one after the other.
        hits.sort(key=lambda hit: running.call("search-index", {"text": f"rank {hit}"})["hits"][0])
    return {"hits": hits[:10]}


def search_index(_running: Running, request: Message) -> Message:
    time.sleep(INDEX_READ_SECONDS)  # stands for the disk
    first = sum(request["text"].encode()) % 1000
    return {"hits": list(range(first, first + HITS_PER_SEARCH))}


def mailer(_running: Running, request: Message) -> Message:
    return {"queued": len(request["text"])}


BEHAVIOURS: dict[str, Behaviour] = {
    "storefront": storefront,
    "mobile-api": mobile_api,
    "checkout": checkout,
    "subscriptions": subscriptions,
    "payments": payments,
    "inventory": inventory,
    "inventory-db": _new_inventory_db(),
    "help-center": help_center,
    "search": search,
    "search-index": search_index,
    "mailer": mailer,
}
