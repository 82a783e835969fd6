"""The generic source: a mapping file at work. It reads JSON, plain text or a form, item by item.

One item that cannot be used does not spoil its neighbours. Nothing that a sender can put into a body raises
anything but BodyError.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qs

import yaml

from connectors.inbound.mapping.expressions import ExpressionFault, evaluate
from connectors.inbound.mapping.reading import Item, read
from connectors.inbound.mapping.schema import Document
from connectors.inbound.mapping.values import plain
from connectors.inbound.source import Request, decode, nothing_usable, type_name
from connectors.inbound.tokens import PROOF, verify_token
from core.errors import BodyError, SourceError
from core.model.events import Event, Parsed, Problem
from core.yamltext import checked, read_yaml

# Expressions look at every value of a list: what a body may hold bounds the time that reading one takes.
MAX_VALUES = 20_000
MAX_FIELDS = 1_000
# YAML reads these words as true and false, which nobody means who writes them here.
_SWITCHES = frozenset({"on", "off", "yes", "no"})


class MappingSource:
    """A source made from a mapping file; `makes` says which of alerts and changes."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.name = document.source
        self.summary = document.summary
        self.kept: tuple[str, ...] = document.kept
        self.token_header = document.token_header
        self.proof = f"{PROOF}, or {document.token_header}" if document.token_header else PROOF
        rules = document.events
        kinds = {"alerts": any(rule.alert for rule in rules), "changes": any(rule.change for rule in rules)}
        self.makes = tuple(kind for kind, made in kinds.items() if made)

    def verify(self, request: Request, secrets: Sequence[str]) -> None:
        """Raises SignatureRefused unless the request carries one of the secrets."""
        verify_token(request, secrets, self.token_header)

    def parse(self, headers: Mapping[str, str], body: bytes, received_at: int) -> Parsed:
        """Pure. Raises BodyError when nothing in the body can be used."""
        document = _decoded(body, self.document.reads)
        kept = {name: text for name, text in headers.items() if name in self.kept}
        around = {"_body": document, "_headers": kept}
        events: list[Event] = []
        problems: list[Problem] = []
        ignored: dict[str, None] = {}
        for item in self._items(document, around, received_at):
            result = read(item, self.document.events)
            problems += result.problems
            if result.event is not None:
                events.append(result.event)
            elif result.ignored:
                ignored[result.ignored] = None
        if problems and not events:
            raise nothing_usable(problems)
        reason = "" if events else "; ".join(list(ignored)[:3])
        return Parsed(tuple(events), tuple(problems), self._delivery(document, around), reason)

    def _items(self, document: Any, around: dict[str, Any], received_at: int) -> Iterator[Item]:
        if self.document.each is None:
            yield _item(document, "body", 0, around, received_at)
            return
        for index, value in enumerate(_listed(document, self.document.each)):
            yield _item(value, f"{self.document.each}[{index}]", index, around, received_at)

    def _delivery(self, document: Any, around: dict[str, Any]) -> str:
        if self.document.delivery is None:
            return ""
        root = {**document, **around} if isinstance(document, dict) else around
        try:
            return plain(evaluate(self.document.delivery, root))
        except ExpressionFault:
            return ""


@lru_cache(maxsize=512)
def compiled(text: str, where: str) -> MappingSource:
    """The source that a mapping file describes. Raises SourceError naming file, key and how to mend it."""
    document = checked(Document, _plainly(text, where), SourceError, where)
    file = where.replace("\\", "/").rpartition("/")[2]
    if file.endswith((".yaml", ".yml")) and file.rpartition(".")[0] != document.source:
        raise SourceError(
            f"source: {document.source!r} is not the file's name",
            where=where,
            mend=f"Call the file {document.source}.yaml, or change `source`",
        )
    return MappingSource(document)


def _plainly(text: str, where: str) -> Any:
    """The file's values, with words refused that YAML would quietly read as true or false."""
    values = read_yaml(text, SourceError, where)
    for token in yaml.scan(text):
        if isinstance(token, yaml.ScalarToken) and token.plain and token.value.lower() in _SWITCHES:
            line = token.start_mark.line + 1
            raise SourceError(
                f"YAML reads {token.value} as true or false",
                where=f"{where}, line {line}",
                mend=f"Write '{token.value}' in quotes, or true or false",
            )
    return values


def _item(value: Any, where: str, index: int, around: dict[str, Any], received_at: int) -> Item:
    fields = value if isinstance(value, dict) else {"_item": value}
    return Item({**fields, **around, "_index": index}, where, index, received_at)


def _listed(document: Any, each: str) -> list[Any]:
    """The items that `each` finds; one object counts as a list of one."""
    try:
        found = evaluate(each, document)
    except ExpressionFault as fault:
        raise BodyError(
            str(fault), where=each, mend="Send the list that the mapping's `each` names"
        ) from None
    items = [found] if isinstance(found, dict) else found
    if not isinstance(items, list):
        raise BodyError(f"{each} is {type_name(items)}, not a list", where=each, mend="Send the list")
    if not items:
        raise BodyError("the list is empty", where=each, mend="Send one item at least")
    return items


def _decoded(body: bytes, reads: str) -> Any:
    if reads == "json":
        return _bounded(decode(body))
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        raise BodyError("not UTF-8 text", where="body", mend="Send UTF-8") from None
    if not text.strip():
        raise BodyError("the body is empty", where="body", mend=f"Send a {reads} body")
    if reads == "text":
        return {"text": text}
    try:
        fields = parse_qs(text, keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS)
    except ValueError:
        what = f"no form, or one of more than {MAX_FIELDS} fields"
        raise BodyError(what, where="body", mend="Send application/x-www-form-urlencoded") from None
    return {name: values[0] for name, values in fields.items()}


def _bounded(document: Any) -> Any:
    """The document itself. Raises BodyError when it holds more values than anybody means to send."""
    left, count = [document], 1
    while left:
        value = left.pop()
        inner = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else ()
        count += len(inner)
        if count > MAX_VALUES:
            mend = "Send fewer items in one body"
            raise BodyError(f"more than {MAX_VALUES} values", where="body", mend=mend)
        left += inner
    return document
