"""The schema of mapping files: how alerts and changes are read out of a sender's body, as data.

Everything that can be checked without a body is checked here: keys, expressions, and that fixed words
(severities, states) are ones that Watchkeeper knows. docs/sources/mapping.md says what each key means.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from connectors.inbound.mapping.expressions import check_expression
from connectors.inbound.mapping.values import plain
from core.model.events import CHANGE_KINDS, AlertStatus, ChangeState
from core.rules.schema import Window
from core.yamltext import Strict

SEVERITIES = ("critical", "high", "warning", "info", "low")
STATUSES = get_args(AlertStatus)
STATES = get_args(ChangeState)
PRESENT = "*"
# Headers that prove who sends are never stored.
_CREDENTIALS = frozenset(
    {"authorization", "proxy-authorization", "cookie", "x-watchkeeper-token", "x-api-key", "api-key"}
)
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_HEADER = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")

Expr = Annotated[str, AfterValidator(check_expression)]
Wanted = bool | str | tuple[str, ...]


def _listed(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


def _map_keys(value: Any) -> Any:
    """Keys as the texts of the values that they stand for, without regard to case."""
    if not isinstance(value, dict):
        return value
    return {plain(key).casefold(): item for key, item in value.items()}


class Spec(Strict):
    """Where a value comes from: the first expression that finds one, then `map`; or the fixed `text`."""

    from_: Annotated[tuple[Expr, ...], BeforeValidator(_listed)] = Field((), alias="from", max_length=20)
    map: Annotated[dict[str, str] | None, BeforeValidator(_map_keys)] = Field(None, min_length=1)
    default: str | None = None
    text: str | None = None
    format: str = ""

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        """A text alone is an expression."""
        if isinstance(value, str):
            return {"from": (value,)}
        if not isinstance(value, (dict, Spec)):
            raise ValueError("write an expression in quotes, or a map with `from` or `text`")  # noqa: TRY004
        return value

    @model_validator(mode="after")
    def _one_way(self) -> Spec:
        if bool(self.from_) == (self.text is not None):
            raise ValueError("give an expression (`from`) or a fixed text (`text`), one of the two")
        if self.text is not None and (self.map or self.default is not None or self.format):
            raise ValueError("`map`, `default` and `format` belong to `from`, not to a fixed `text`")
        return self


def _words(words: Sequence[str]) -> AfterValidator:
    """A value that must be one of `words`: what the file itself says is checked now."""

    def check(spec: Spec) -> Spec:
        known = ", ".join(word for word in words if word)
        fixed = [*(spec.map or {}).values(), spec.text, spec.default]
        for text in fixed:
            if text and text not in words:
                raise ValueError(f"{text!r} is none of {known}")
        if not spec.map and any(expression in words for expression in spec.from_):
            raise ValueError(
                f"{spec.from_[0]} is read as the name of a field; write {{text: {spec.from_[0]}}}"
            )
        return spec

    return AfterValidator(check)


def _wanted(value: Any) -> Wanted:
    if isinstance(value, bool) or value == PRESENT:
        return bool(value) if isinstance(value, bool) else PRESENT
    values = value if isinstance(value, list) else [value]
    if not values or any(isinstance(one, (dict, list)) for one in values):
        raise ValueError("write a value, a list of values, true, false or '*'")
    return tuple(plain(one).casefold() for one in values)


Conditions = dict[Expr, Annotated[Any, AfterValidator(_wanted)]]


class Alert(Strict):
    labels: dict[str, Spec]
    labels_from: Expr | None = None
    tags_from: Expr | None = None
    identity: tuple[str, ...] = ()
    severity: Annotated[Spec, _words(SEVERITIES)] | None = None
    status: Annotated[Spec, _words(STATUSES)]
    starts_at: Spec | None = None
    ends_at: Spec | None = None
    occurrence: Spec | None = None
    quiet_after: Window | None = None
    annotations: dict[str, Spec] = {}
    url: Spec | None = None

    @model_validator(mode="after")
    def _named(self) -> Alert:
        if "alertname" not in self.labels:
            raise ValueError("`labels` need `alertname`, the name of the rule or check that fired")
        if "severity" in self.labels:
            raise ValueError("write `severity` beside `labels`, so that its words are checked")
        return self


class Change(Strict):
    kind: Annotated[Spec, _words(CHANGE_KINDS)]
    service: Spec
    environment: Spec | None = None
    cluster: Spec | None = None
    version: Spec | None = None
    author: Spec | None = None
    url: Spec | None = None
    at: Spec | None = None
    state: Annotated[Spec, _words(STATES)] | None = None
    ref: Spec | None = None
    told_at: Spec | None = None


class Rule(Strict):
    """One of `alert`, `change` and `ignore`, for items that `when` fits; `which` is quoted after it."""

    when: Conditions = {}
    alert: Alert | None = None
    change: Change | None = None
    ignore: str = ""
    which: Expr | None = None

    @model_validator(mode="after")
    def _one_thing(self) -> Rule:
        if sum(map(bool, (self.alert, self.change, self.ignore))) != 1:
            raise ValueError("a rule has one of `alert`, `change` and `ignore`")
        if self.which and not self.ignore:
            raise ValueError("`which` belongs to `ignore`")
        return self


def _source_name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError("a name has small letters, digits, hyphens and underscores, such as my-monitor")
    return name


def _summary(text: str) -> str:
    text = " ".join(text.split())
    if not text or text.endswith(".") or not text.isprintable():
        raise ValueError("write one line without a full stop at its end")
    return text


def _kept_header(name: str) -> str:
    if not _HEADER.fullmatch(name):
        raise ValueError("write a header's name in small letters, digits and hyphens")
    if name in _CREDENTIALS:
        raise ValueError(f"{name} is a credential; those are never stored")
    return name


class Document(Strict):
    """A whole mapping file."""

    source: Annotated[str, AfterValidator(_source_name)]
    summary: Annotated[str, AfterValidator(_summary)]
    reads: Literal["json", "text", "form"] = "json"
    token_header: str = ""
    kept: tuple[Annotated[str, AfterValidator(_kept_header)], ...] = ()
    delivery: Expr | None = None
    each: Expr | None = None
    events: tuple[Rule, ...] = Field(min_length=1, max_length=200)

    @model_validator(mode="after")
    def _token_is_not_kept(self) -> Document:
        if self.token_header and not _HEADER.fullmatch(self.token_header.lower()):
            raise ValueError("`token_header` is no header's name")
        if self.token_header.lower() in self.kept:
            raise ValueError("`token_header` holds a secret; take it out of `kept`")
        return self
