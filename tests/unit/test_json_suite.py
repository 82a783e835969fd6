"""Which bodies are JSON: the collected suite of hard cases, and what every source makes of hostile values.

The suite (`y_` must be read, `n_` must not, `i_` is left to the reader) is no part of this repository: it is
read from the directory that `WATCHKEEPER_EVAL_DATA` names. What every source must hold needs no data.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import pytest

from connectors.inbound.registry import SOURCES, source
from connectors.inbound.source import decode
from core.errors import BodyError
from core.model.events import Parsed
from watchkeeper.files import builtin_mappings
from watchkeeper.settings import load_settings

NOW = 1_795_226_400_000
DEEP = 100_000
MAPPINGS = builtin_mappings()
NAMES = sorted([*SOURCES, *MAPPINGS])
# What may be read either way. The rest of `i_` is refused: no infinite numbers, no broken UTF-8, no lone
# surrogates, no byte order mark.
TOO_DEEP_FOR_A_LABEL = "i_structure_500_nested_arrays.json"
READ = {
    "i_number_double_huge_neg_exp.json", "i_number_real_underflow.json", "i_number_too_big_neg_int.json",
    "i_number_too_big_pos_int.json", "i_number_very_big_negative_int.json", TOO_DEEP_FOR_A_LABEL,
}  # fmt: skip


class Verdict(NamedTuple):
    file: str
    read: bool
    why: str


@pytest.fixture(scope="module")
def suite() -> dict[str, bytes]:
    data = load_settings().eval_data
    folder = data / "bad_input" / "json_test_suite" if data else Path("nowhere")
    if not folder.is_dir():
        pytest.skip("WATCHKEEPER_EVAL_DATA names no directory that holds bad_input/json_test_suite")
    found = {file.name: file.read_bytes() for file in sorted(folder.rglob("*.json"))}
    assert len(found) == 318
    return found


def verdict(name: str, body: bytes) -> Verdict:
    try:
        decode(body)
    except BodyError as error:
        return Verdict(name, False, told(error).what)
    return Verdict(name, True, "")


def told(error: BodyError) -> BodyError:
    """The refusal, after a look: it says what is wrong, where, and how to mend it."""
    assert error.what
    assert error.where
    assert error.mend
    return error


def inside(body: bytes) -> dict[str, bytes]:
    """Bodies in which `body` stands as a label's value, by source."""
    labels = b'{"alertname": "Suite", "value": ' + body + b"}"
    return {
        "alertmanager": b'{"alerts": [{"status": "firing", "labels": ' + labels + b"}]}",
        "prometheus": b'[{"labels": ' + labels + b"}]",
        "grafana": b'{"alerts": [{"status": "firing", "labels": ' + labels + b"}]}",
    }


def parse(name: str, body: bytes, headers: dict[str, str] | None = None) -> Parsed | BodyError:
    """What it was read as, or why not. Anything else that is raised fails the test."""
    try:
        return source(name, MAPPINGS).parse(headers or {}, body, NOW)
    except BodyError as error:
        return told(error)


def test_the_suite_is_read_and_refused_as_it_must_be(suite: dict[str, bytes]) -> None:
    verdicts = [verdict(name, body) for name, body in suite.items()]
    for one in verdicts:
        if one.file.startswith("i_"):
            print(f"{one.file:52} {'read' if one.read else f'refused: {one.why}'}")
    wrong = [one for one in verdicts if one.read != (one.file.startswith("y_") or one.file in READ)]
    assert not wrong


def test_as_a_label_each_value_has_the_same_verdict_with_every_source(suite: dict[str, bytes]) -> None:
    """However fast a source reads: what the decoder refuses is refused, and the rest is one alert."""
    wrong = []
    for file, body in suite.items():
        for name, alert in inside(body).items():
            read = verdict(file, alert).read and file != TOO_DEEP_FOR_A_LABEL
            assert read or not file.startswith("y_")
            found = parse(name, alert)
            if read != (isinstance(found, Parsed) and len(found.events) == 1):
                wrong.append((file, name, read, found))
    assert not wrong


@pytest.mark.parametrize("name", NAMES)
def test_every_source_refuses_the_whole_suite_or_reads_it(name: str, suite: dict[str, bytes]) -> None:
    for file, body in suite.items():
        found = parse(name, body)
        assert isinstance(found, BodyError) or not file.startswith("n_"), file


SHAPES: dict[str, bytes] = {
    "nothing": b"", "blank": b" \r\n\t", "bytes": bytes(range(256)), "nul": b"\x00",
    "utf-16": '{"a": 1}'.encode("utf-16"), "byte order mark": b"\xef\xbb\xbf{}", "text": b"it is on fire",
    "form": b"payload=%7B%7D&a=1", "xml": b"<?xml version='1.0'?><a/>", "yaml": b"a: [1",
    "pickle": b"\x80\x04\x95.", "cut": b'{"a": [1, {"b": "c', "two": b"{}{}", "NaN": b"NaN",
    "Infinity": b"[-Infinity]", "1e400": b"1e400", "digits": b"9" * 100_000, "lone surrogate": b'"\\ud800"',
    "lone key": b'{"\\udfff": 1}', "null": b"null", "true": b"true", "zero": b"-0", "a number": b"1.5e300",
    "a string": b'"x"', "a list": b"[]", "an object": b"{}", "lists": b"[[], [[]]]",
    "objects": b'[{}, {"a": {}}]', "scalars": b'[null, true, 1, "a"]', "no name": b'{"": {"": [""]}}',
    "twice": b'{"alerts": 1, "alerts": []}', "deep lists": b"[" * DEEP + b"]" * DEEP,
    "deep and open": b"[" * DEEP, "deep objects": b'{"a":' * DEEP + b"1" + b"}" * DEEP,
    "as deep as is read": b'{"alerts":' * 1_000 + b"[]" + b"}" * 1_000, "controls": b'"\x01"',
    "escapes": b'{"a": "\\x41"}', "many": b"[" + b"0," * 20_000 + b"0]",
}  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_every_source_says_what_is_wrong_with_any_shape(name: str) -> None:
    for shape, body in SHAPES.items():
        found = parse(name, body)
        if isinstance(found, Parsed):
            assert found.events or found.ignored or found.problems or shape in ("a list", "twice"), shape


@pytest.mark.parametrize("name", NAMES)
def test_the_same_shapes_with_every_header_that_is_read(name: str) -> None:
    for key in source(name, MAPPINGS).kept:
        for value in ("", "\x00", "ÿ" * 500, "push", "Notification", "9" * 5_000):
            for body in (b"{}", b"[]", b"null", b'"x"', b'{"": 1}', b'[{"a": [1]}]'):
                assert parse(name, body, {key: value}) is not None


def test_none_is_missing() -> None:
    """The names that the intake knows are those that are looked at here."""
    assert len(NAMES) == len(set(NAMES)) >= 45
    assert not set(SOURCES) & set(MAPPINGS)


@pytest.mark.parametrize("place", ["labels", "annotations"])
@pytest.mark.parametrize("value", ["1e400", "-1e400", "NaN", "Infinity", "9" * 100_000, '"\\ud800"'])
def test_what_is_no_number_and_no_text_never_gets_into_an_alert(place: str, value: str) -> None:
    alert: dict[str, Any] = {"labels": '{"alertname": "a"}', "annotations": "{}"}
    alert[place] = '{"alertname": "a", "x": ' + value + "}"
    body = f'[{{"labels": {alert["labels"]}, "annotations": {alert["annotations"]}}}]'
    assert isinstance(parse("prometheus", body.encode()), BodyError)
