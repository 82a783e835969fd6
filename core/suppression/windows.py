"""Quiet times: maintenance that was planned once, and hours of the week in which alerts page nobody."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from core.calendars import Intervals
from core.model.incident import Episode
from core.suppression.dispatch import Dispatch
from core.suppression.kinds import Suppression
from core.suppression.matchers import Matchers, parse_all

if TYPE_CHECKING:
    from core.rules.quiet import QuietWindow
    from core.world import World


class Window:
    """One of the rule's. A calendar's next change is looked for once, not for every alert."""

    def __init__(self, row: QuietWindow) -> None:
        self.row = row
        self._calendar = Intervals(time_intervals=row.intervals) if row.intervals else None
        self._known: tuple[int, int | None, bool] | None = None

    def holds(self, at: int) -> bool:
        row = self.row
        if self._calendar is None:
            return row.start is not None and row.end is not None and row.start <= at < row.end
        return self._look(at)[2]

    def until(self, at: int) -> int | None:
        """When it may end, in ms UTC, of one that holds at `at`."""
        return self.row.end if self._calendar is None else self._look(at)[1]

    def _look(self, at: int) -> tuple[int, int | None, bool]:
        known, calendar = self._known, self._calendar
        assert calendar is not None
        if known is None or not known[0] <= at < (known[1] or known[0] + 1):
            known = self._known = (at, calendar.next_change(at), calendar.holds(at))
        return known


def filed_windows(rows: Iterable[QuietWindow]) -> Dispatch[Window]:
    return Dispatch((Matchers(parse_all(row.matchers)), Window(row)) for row in rows)


def quiet(world: World, episode: Episode, at: int) -> list[Suppression]:
    """By windows that hold at `at`, in the rule's order."""
    if not world.rules.quiet_times.windows:
        return []
    found = [one for one in world.suppression.windows(world).fitting(episode) if one.holds(at)]
    return [
        Suppression(
            "mute" if one.row.intervals else "maintenance",
            one.row.name,
            "rule quiet-times",
            one.row.reason,
            one.until(at),
        )
        for one in found
    ]
