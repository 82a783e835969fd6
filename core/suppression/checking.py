"""What a silence must be to be taken; what would do nothing, or far too much, is refused."""

from __future__ import annotations

from collections.abc import Sequence

from core.canonical import readable_id
from core.errors import InputError
from core.suppression.matchers import MAX_MATCHERS, Matcher, check_ours
from core.suppression.silences import Silence
from core.times import DAY, MINUTE, format_rfc3339, spoken

MAX_SILENCES, MAX_COMMENT, MAX_AUTHOR = 5_000, 2_000, 100
_LONG, _LONGEST = 30 * DAY, 10 * 366 * DAY
# The clocks of those who write silences may differ a little.
_CLOCKS = MINUTE
# All alerts have these, so that any value of one is every alert.
_EVERYWHERE = ("alertname", "@domain", "@level")
_ANY = (".+", "..*", ".*.", "^.+$", ".{1,}")


def silence_id(silence: Silence, taken: Sequence[str] = ()) -> str:
    """From what it says; longer in the rare case that another silence has the short one."""
    content = (
        sorted(one.text for one in silence.matchers),
        silence.starts_at,
        silence.ends_at,
        silence.author,
        silence.comment,
    )
    for length in range(8, 53):
        name = f"SIL-{readable_id('silence', *content, length=length)}"
        if name not in taken:
            return name
    raise AssertionError("52 characters of a SHA-256 do not repeat")


def check_silence(silence: Silence, now: int) -> list[str]:
    """Warnings about one that is taken. Raises InputError for one that is not."""
    if silence.ends_at <= silence.starts_at:
        what = f"it ends at {format_rfc3339(silence.ends_at)}, not after it starts"
        raise InputError(what, where="endsAt", mend="Give an end after the start")
    if silence.ends_at <= now - _CLOCKS:
        what = f"it ended {spoken(now - silence.ends_at)} ago"
        raise InputError(what, where="endsAt", mend="Give an end that is still to come")
    if silence.ends_at > now + _LONGEST:
        raise InputError(
            "it lasts for more than 10 years", where="endsAt", mend="Make it a quiet time of the rules"
        )
    if not silence.author:
        raise InputError("nobody's name", where="createdBy", mend="Say who silences")
    check_matchers(silence.matchers)
    lasts = silence.ends_at - max(silence.starts_at, now)
    if lasts > _LONG:
        return [
            f"it lasts {spoken(lasts)}: what is silenced for more than 30 days is better mended, or made a "
            "quiet time of the rules"
        ]
    return []


def check_matchers(matchers: Sequence[Matcher]) -> None:
    """Raises InputError for those that fit no alert, or every one."""
    if not matchers or len(matchers) > MAX_MATCHERS:
        what = f"{len(matchers)} matchers" if matchers else "no matchers"
        raise InputError(what, where="matchers", mend=f"Give 1 to {MAX_MATCHERS}")
    for one in matchers:
        check_ours(one)
    telling = [one for one in matchers if not one.holds("")]
    if not telling:
        raise InputError(
            "every matcher fits a label that is missing, so that it silences almost everything",
            where="matchers",
            mend='Add one that names what is silenced, such as alertname="HighLatency"',
        )
    if all(_fits_all(one) for one in telling) and len(telling) == len(matchers):
        raise InputError(
            "it silences everything",
            where="matchers",
            mend='Add one that names what is silenced, such as alertname="HighLatency"',
        )
    for one in matchers:
        if one.op == "=":
            against = next((other for other in matchers if _denies(one, other)), None)
            if against is not None:
                what = f"{one.text} and {against.text} never hold together"
                raise InputError(what, where="matchers", mend="Leave one of them out")


def _fits_all(one: Matcher) -> bool:
    if one.name not in _EVERYWHERE:
        return False
    return (one.op == "!=" and not one.value) or (one.op == "=~" and one.value in _ANY)


def _denies(equal: Matcher, other: Matcher) -> bool:
    return other.name == equal.name and not other.holds(equal.value)
