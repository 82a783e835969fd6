"""What a restart would load: the state by way of its encoding."""

from __future__ import annotations

import msgspec

from core.state import State


def copy_state(state: State) -> State:
    return msgspec.json.decode(msgspec.json.encode(state, order="deterministic"), type=State)
