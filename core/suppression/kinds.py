"""What a suppression is: why an alert that fires pages nobody for now. It hides nothing."""

from __future__ import annotations

from typing import Literal

import msgspec

from core.model.incident import InhibitionPlace

Kind = Literal["silence", "inhibition", "maintenance", "mute", "deploy", "dismissal", "flapping", "threshold"]
# How the reason of a page that was held back begins.
HELD_BY: dict[Kind, str] = {
    "silence": "silenced",
    "inhibition": "inhibited",
    "maintenance": "maintenance",
    "mute": "muted",
    "deploy": "deploying",
    "dismissal": "dismissed",
    "flapping": "flapping",
    "threshold": "too_few",
}


class Suppression(msgspec.Struct, frozen=True):
    """`id` names the silence, rule, window, change or incident that did it, `by` whose it is or which alert,
    `reason` the words given; `until` is when it may end, in ms UTC, None where no clock says so.

    `waits_for` is the change whose next telling may end it earlier, `place` where something must stand.
    """

    kind: Kind
    id: str
    by: str
    reason: str
    until: int | None = None
    waits_for: str = ""
    place: InhibitionPlace | None = None

    @property
    def name(self) -> str:
        """`silenced:SIL-ABCDEFGH`."""
        return f"{HELD_BY[self.kind]}:{self.id}"
