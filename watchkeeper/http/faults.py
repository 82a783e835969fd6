"""What is wrong with a request that does not fit its schema, in words: what, where, and how to mend it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_JSON = "application/json"
# What is wrong, and how to mend it, by the validator's own name; {} is filled with the bound that it gives.
_FAULTS: dict[str, tuple[str, str]] = {
    "missing": ("it is missing", "Add it"),
    "json_invalid": ("not JSON ({error})", "Correct the JSON"),
    "model_attributes_type": ("not an object of keys and values", "Send a JSON object"),
    "model_type": ("not an object of keys and values", "Send a JSON object"),
    "dict_type": ("not an object of keys and values", "Send a JSON object"),
    "list_type": ("not a list", "Send a list"),
    "string_type": ("not a text", "Send a text in quotes"),
    "string_unicode": ("not Unicode", "Send UTF-8"),
    "bool_type": ("neither true nor false", "Send true or false"),
    "bool_parsing": ("neither true nor false", "Send true or false"),
    "int_type": ("not a whole number", "Send a whole number"),
    "int_parsing": ("not a whole number", "Send a whole number"),
    "int_parsing_size": ("a number too large", "Send a smaller one"),
    "int_from_float": ("not a whole number", "Send a whole number"),
    "string_too_short": ("it is empty", "Fill it in"),
    "string_too_long": ("longer than {max_length} characters", "Shorten it"),
    "too_short": ("the list is empty", "Send one entry at least"),
    "too_long": ("a list of more than {max_length} entries", "Send fewer at once"),
    "greater_than_equal": ("below {ge}", "Send {ge} or more"),
    "greater_than": ("not above {gt}", "Send more than {gt}"),
    "less_than_equal": ("above {le}", "Send {le} at most"),
    "less_than": ("not below {lt}", "Send less than {lt}"),
    "literal_error": ("none of {expected}", "Use one of them"),
    "enum": ("none of {expected}", "Use one of them"),
}
_OTHER = ("not what is expected there", "See /openapi.json for what is expected")


def fault(errors: Sequence[Mapping[str, Any]], content_type: str = _JSON) -> tuple[str, str, str]:
    """What, where and how to mend it, of the first of a validator's errors.

    A body that does not say to be JSON is not read as such: then that is what is told.
    """
    first = errors[0]
    place = [str(part) for part in first["loc"]]
    if place == ["body"] and first["type"] != "missing" and not _is_json(content_type):
        return "the body is not said to be JSON", "Content-Type", f"Send {_JSON}"
    what, mend = _FAULTS.get(first["type"], _OTHER)
    bounds = first.get("ctx", {})
    if first["type"] == "json_invalid":
        place = ["body"]
    return what.format_map(bounds), ", ".join(place) or "body", mend.format_map(bounds)


def _is_json(content_type: str) -> bool:
    kind = content_type.partition(";")[0].strip().lower()
    return kind == _JSON or (kind.startswith("application/") and kind.endswith("+json"))
