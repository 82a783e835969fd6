"""What a document of a service level objective says, in words: the same in terminals and on pages.

Nothing foreign is in it but numbers and the names of bands, which are the operator's.
"""

from __future__ import annotations

from core.decimals import percent, times
from core.model.document import Document
from core.times import spoken


def goal_words(row: Document) -> str:
    return f"{row['objective']} % over {spoken(row['window_ms'])}"


def left_words(row: Document) -> str:
    """`56.9 % of 43 min is left`; an estimate says that it is one, and of what."""
    if row["left"] is None:
        return f"how much of {spoken(row['budget_ms'])} is left is not known"
    if row["spent"] > 1_000:
        return f"{percent(row['spent'])} of {spoken(row['budget_ms'])} is spent: more than there was"
    words = f"{percent(row['left'])} of {spoken(row['budget_ms'])} is left"
    if row["basis"] == "told":
        return words
    return f"at most {words}, as the errors over {spoken(row['basis_window_ms'])} tell"


def pace_words(row: Document) -> str:
    """The present burn, and when nothing will be left."""
    pace = next((one["burn"] for one in row["rates"] if one["window_ms"] == row["pace_window_ms"]), None)
    if pace is None:
        return "the pace is not known"
    words = f"burns {times(pace)} times over {spoken(row['pace_window_ms'])}"
    after = row["exhausted_in_ms"]
    if after is None:
        return words
    return f"{words}: spent in {spoken(after)}" if after else f"{words}: nothing is left"


def band_words(row: Document) -> str:
    """What is agreed for so much spent; nothing while it is little."""
    reached = [band for band in row["bands"] if band["reached"]]
    if not reached:
        return ""
    return f"{reached[-1]['name'].replace('-', ' ')} (from {percent(reached[-1]['spent'])} spent)"


def condition_words(condition: Document) -> str:
    """The alert, what it is about, and how that stands."""
    if condition["above"] is None:
        what = f"less than {percent(condition['left_below'])} left"
    else:
        long, short = spoken(condition["long_ms"]), spoken(condition["short_ms"])
        what = f"burn above {times(condition['above'])} over {long} and over {short}"
    return f"{condition['alert']}: {what}: {_state(condition)}"


def _state(condition: Document) -> str:
    if condition["missing_ms"]:
        lacking = " and over ".join(map(spoken, condition["missing_ms"]))
        return f"not known, the rate over {lacking} was not told"
    if condition["holds"]:
        return "holds" if condition["firing"] else "held when it was told last"
    return "no longer so" if condition["firing"] else "not so"
