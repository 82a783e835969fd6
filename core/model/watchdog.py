"""What is known of a watchdog: an alert that always fires, so that its silence tells of a broken path."""

from __future__ import annotations

from typing import Literal

import msgspec

Trouble = Literal["", "silent", "resolved"]


class Watchdog(msgspec.Struct):
    """`source` is `domain/source`; `labels` name it. Heard `times` times from `first_heard` to `last_heard`.

    `began`: the start of the latest firing that was told with one; firings that began by `over_until` have
    been resolved. `trouble` since `since`: it was not told again in time, or its sender resolved it.
    """

    source: str
    labels: dict[str, str]
    first_heard: int = 0
    last_heard: int = 0
    times: int = 0
    began: int | None = None
    over_until: int | None = None
    trouble: Trouble = ""
    since: int = 0
