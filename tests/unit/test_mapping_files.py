"""Mapping files: what is refused when one is read, with file, key and mend, and what one says of itself."""

from __future__ import annotations

import pytest

from connectors.inbound.mapping import compiled
from connectors.inbound.source import Request
from core.errors import SignatureRefused, SourceError

FILE = """\
source: demo
summary: A demonstration
events:
  - when: {type: alert}
    alert:
      labels: {alertname: name, service: host}
      status: {from: state, map: {BAD: firing, GOOD: resolved}}
  - when: {type: deploy}
    change: {kind: {text: deploy}, service: app}
  - ignore: something else
"""


def changed(old: str, new: str) -> str:
    assert old in FILE
    return FILE.replace(old, new)


FAULTS = [
    ("source: demo", "source: other", "source: 'other' is not the file's name", "Call the file other.yaml"),
    ("source: demo", "source: De mo", "source: a name has small letters", ""),
    ("A demonstration", "A demonstration.", "summary: write one line", ""),
    ("events:", "evnts:", "evnts: no such key", "correct its spelling"),
    ("alertname: name", "alert: name", "events.1.alert: `labels` need `alertname`", ""),
    ("service: host", "service: 'host['", "events.1.alert.labels.service.from.1: 'host['", ""),
    ("service: host", "service: no_such(host)", "there is no function no_such(); known are abs", ""),
    ("service: host", "service: 'lower(host, app)'", "lower() takes 1 arguments, not 2", ""),
    ("service: host", "service: join(host)", "join() takes 2 arguments, not 1", ""),
    ("service: host", "service: [host]", "events.1.alert.labels.service: write an expression", ""),
    ("service: host", "service: {default: x}", "events.1.alert.labels.service: give an expression", ""),
    ("service: host", "service: {text: a, from: b}", "one of the two", ""),
    ("service: host", "service: {text: a, default: b}", "belong to `from`", ""),
    ("service: host", f"service: '{'!' * 200}a'", "nested too deeply", ""),
    ("service: host", f"service: {'a' * 1001}", "1001 characters, more than 1000", ""),
    ("service: host", "severity: level", "write `severity` beside `labels`", ""),
    ("GOOD: resolved", "GOOD: over", "events.1.alert.status: 'over' is none of firing, resolved", ""),
    ("{text: deploy}", "deploy", "deploy is read as the name of a field; write {text: deploy}", ""),
    ("{text: deploy}", "{text: release}", "'release' is none of deploy, configuration", ""),
    ("type: deploy", "type: {a: 1}", "events.2.when.type: write a value, a list of values", ""),
    ("type: deploy", "type: []", "events.2.when.type: write a value, a list of values", ""),
    ("type: deploy", "'type[': deploy", "'type[' is not JMESPath", ""),
    ("type: deploy", "type: on", "YAML reads on as true or false", "Write 'on' in quotes"),
    ("ignore: something else", "which: type", "events.3: a rule has one of", ""),
    ("ignore: something else", "{ignore: a, change: {kind: b, service: c}}", "a rule has one of", ""),
    ("service: app}", "service: app}\n    which: type", "events.2: `which` belongs to `ignore`", ""),
    ("events:", "kept: [Authorization]\nevents:", "kept.1: write a header's name in small letters", ""),
    ("events:", "kept: [authorization]\nevents:", "kept.1: authorization is a credential", "never stored"),
    ("events:", "kept: [x-s]\ntoken_header: X-S\nevents:", "`token_header` holds a secret", ""),
    ("events:", "reads: xml\nevents:", "reads: ", "Correct the value"),
    (FILE, "source: demo\nsummary: x\nevents: []\n", "events: the list is empty", ""),
    (FILE, "- a list\n", "not a map of keys", ""),
    (FILE, "a: [", "not valid YAML", ""),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "what", "mend"), FAULTS)
def test_a_fault_is_named_with_its_place(old: str, new: str, what: str, mend: str) -> None:
    with pytest.raises(SourceError) as caught:
        compiled(changed(old, new), "mine/demo.yaml")
    assert what in str(caught.value)
    assert str(caught.value).startswith("mine/demo.yaml")
    assert mend in str(caught.value)


def test_a_good_file_says_what_it_makes() -> None:
    source = compiled(FILE, "mine/demo.yaml")
    assert (source.name, source.summary, source.makes) == ("demo", "A demonstration", ("alerts", "changes"))
    assert (source.kept, source.token_header) == ((), "")
    assert compiled(FILE, "mine/demo.yaml") is source


def test_a_header_of_the_senders_own_carries_the_secret() -> None:
    source = compiled(changed("events:", "token_header: X-Own-Token\nevents:"), "demo.yaml")
    assert source.proof.endswith("or X-Own-Token")
    source.verify(Request({"x-own-token": "right"}, b"{}", 0), ["old", "right"])
    for headers in ({}, {"x-own-token": "wrong"}, {"x-other": "right"}):
        with pytest.raises(SignatureRefused) as caught:
            source.verify(Request(headers, b"{}", 0), ["right"])
        assert "right" not in str(caught.value)
