"""How far Watchkeeper may go, as the operator wrote it: 1 explains, 2 also shows a checklist.

The first setting that fits decides; without one the default does, and without a default level 1. Higher
levels are refused: this release executes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Annotated, Literal

from pydantic import BeforeValidator

from core.errors import InputError
from core.model.entity import Entity
from core.yamltext import Strict, checked, read_yaml

Action = Literal["read", "notify", "reversible", "reversible-production-wide", "irreversible"]
ACTIONS: tuple[Action, ...] = ("read", "notify", "reversible", "reversible-production-wide", "irreversible")
LOWEST, HIGHEST = 1, 2


def _level(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        if LOWEST <= value <= HIGHEST:
            return value
        if HIGHEST < value <= 5:
            raise ValueError(f"level {value} is not there yet: this release executes nothing; write 1 or 2")
    raise ValueError("a level is 1 (explains) or 2 (also shows a checklist)")


Level = Annotated[int, BeforeValidator(_level)]


class Setting(Strict):
    """`level` for the steps that fit every key given; one without keys fits all of them."""

    level: Level
    environment: str | None = None
    service: str | None = None
    action: Action | None = None

    def fits(self, action: Action, entity: Entity) -> bool:
        pairs = ((self.environment, entity.environment), (self.action, action))
        names = (None, entity.service, entity.service.rpartition("/")[2])
        return self.service in names and all(wanted is None or wanted == value for wanted, value in pairs)


class Levels(Strict):
    """The document. `Levels()` is what holds when the operator wrote none."""

    default: Level = LOWEST
    set: tuple[Setting, ...] = ()

    def with_environments(self, name: Callable[[str], str]) -> Levels:
        """The same, with environments by their one name, as alerts have it."""
        named = tuple(
            one if one.environment is None else one.model_copy(update={"environment": name(one.environment)})
            for one in self.set
        )
        return self.model_copy(update={"set": named})

    def of(self, action: Action, entity: Entity) -> int:
        """The level, 1 or 2, for steps of class `action` on `entity`."""
        fitting = (setting.level for setting in self.set if setting.fits(action, entity))
        return next(fitting, self.default)


def parse_levels(text: str, where: str = "levels") -> Levels:
    """The levels in YAML `text`. Raises InputError naming file, key and mend."""
    return _parse(text, where)


@lru_cache(maxsize=4)
def _parse(text: str, where: str) -> Levels:
    return checked(Levels, read_yaml(text, InputError, where), InputError, where)
