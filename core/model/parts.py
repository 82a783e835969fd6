"""The part that an alert plays between services."""

from __future__ import annotations

from typing import Literal

# A cause explains itself, an effect comes from what is called, lost traffic from callers; what is late tells
# of its own service alone.
Part = Literal["cause", "effect", "traffic", "late"]
