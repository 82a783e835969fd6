"""The world that the engine's steps work on, before there are rules and on the hot path."""

from __future__ import annotations

import pytest

from connectors.inbound.registry import parse
from core.engine import Engine
from core.errors import InputError
from core.world import Turn, World


def test_a_rule_that_is_asked_for_before_any_is_in_force_is_refused() -> None:
    world = Engine(parse).world

    with pytest.raises(InputError, match="no rules are in force"):
        _ = world.rules.lifecycle
    for _ in range(2):
        with pytest.raises(InputError, match="no rules are in force"):
            world.suppression.windows(world)


@pytest.mark.parametrize("kind", [World, Turn])
def test_what_is_read_for_every_alert_has_no_hook_that_slows_each_attribute(kind: type) -> None:
    assert not hasattr(kind, "__getattr__")
    assert "__getattribute__" not in vars(kind)
