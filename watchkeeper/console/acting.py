"""Who acts, and how a page lets them: buttons that need no typing once a name is known, else a small form.

A page that reloads itself would take away what somebody is typing, so one with fields never does (the script
keeps them). The cookie holds a name to save typing; it is no proof of anything.
"""

from __future__ import annotations

from typing import Literal, NamedTuple
from urllib.parse import quote, unquote

from fastapi import Request, Response

from core.narrative.plain import one_line

COOKIE = "watchkeeper_actor"
_MAX_NAME, _YEAR = 100, 366 * 86_400
Mode = Literal["none", "type", "click", "link"]


class Action(NamedTuple):
    to: str
    label: str
    hint: str


ACTIONS = {
    action.to: action
    for action in (
        Action("acknowledged", "Acknowledge", "I am on it"),
        Action("mitigated", "Mitigated", "The effect is gone or bearable, work goes on"),
        Action("resolved", "Resolve", "The trouble is over"),
        Action("triggered", "Reopen", "It is not over: people are paged again"),
        Action("closed", "Close", "For good: a closed incident stays closed"),
    )
}


# What has a page of its own, with what it is called.
JOINS = {"merged": ("merge", "Merge"), "split": ("split", "Split")}
COMMENT = Action("comment", "Only say it", "As a note: an update for everybody")


class Acting(NamedTuple):
    """`mode`: `none` (nothing is allowed), `type` (fields), `click` (buttons in a known name) or `link` (to
    the fields). `guarded`: Enter in a field must not press the first button. `joins`: pages on which it is
    merged or split, with what they are called."""

    mode: Mode
    refresh: bool
    actor: str
    reason: str
    actions: list[Action]
    joins: list[tuple[str, str]] = []

    @property
    def guarded(self) -> bool:
        return bool(self.actions) and self.actions[0].to != "acknowledged"


def acting(asked: str | None, actor: str, allowed: list[str], moving: bool) -> Acting:
    """`asked` is the address's `refresh`: `on`, `off` or absent; `moving`: the incident is open."""
    actions = [ACTIONS.get(to) or Action(to, to.capitalize(), "") for to in allowed if to not in JOINS]
    joins = [JOINS[to] for to in allowed if to in JOINS]
    fresh = moving and asked != "off"
    if not actions:
        return Acting("none", fresh, actor, "", [])
    if asked == "off" or (not actor and (asked != "on" or not moving)):
        return Acting("type", False, actor, "", [*actions, COMMENT], joins)
    return Acting("click" if actor else "link", fresh, actor, "", actions, joins)


def typed_again(actor: str, reason: str, allowed: list[str]) -> Acting:
    """After a refusal: nothing that was typed is lost."""
    return acting("off", one_line(actor, _MAX_NAME), allowed, moving=False)._replace(
        reason=one_line(reason, 1_000)
    )


def remembered(request: Request) -> str:
    return one_line(unquote(request.cookies.get(COOKIE, "")), _MAX_NAME)


def remember(response: Response, request: Request, actor: str) -> None:
    response.set_cookie(
        COOKIE,
        quote(one_line(actor, _MAX_NAME), safe=""),
        max_age=_YEAR,
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
