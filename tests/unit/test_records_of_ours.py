"""Records of ours are read once, before a timer fires for them; every timer that is armed has an act."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from core.errors import InputError
from core.journal import Record, RecordKind
from core.timer_acts import timer_acts
from core.times import DAY
from tests.timeline import SHOP, Timeline, alert

CORE = Path(__file__).parent.parent.parent / "core"
ARMED = re.compile(r'\barm(?:_if_idle)?\(\s*f?"([a-z]+)')
OWN = {"forget", "anew"}


def test_every_timer_that_is_armed_has_an_act() -> None:
    names = {name for path in CORE.rglob("*.py") for name in ARMED.findall(path.read_text())}
    assert len(names) > 15
    assert names <= OWN | set(timer_acts(Timeline().engine._identify, {}))


@pytest.mark.parametrize(
    ("kind", "payload", "what"),
    [
        ("config", b"[]", "the payload is not a JSON object"),
        ("config", b'{"name": "levels", "hash": "x", "content": ""}', "the content does not match its hash"),
        ("outcome", b"{", "the payload is not JSON"),
        ("outcome", b'{"decision": 1}', "Expected `str`, got `int` - at `$.decision`"),
        ("annotation", b"{}", "Object missing required field `incident`"),
        ("transition", b"[]", "Expected `object`, got `array`"),
        ("forget", b"{}", "Object missing required field `seq`"),
        ("silence", b'{"op": "put", "author": "ana", "id": "SIL-1"}', "a silence without matchers"),
    ],
)
def test_what_cannot_be_read_changes_nothing_and_says_how_to_mend_it(
    kind: RecordKind, payload: bytes, what: str
) -> None:
    t = Timeline(SHOP)
    t.push(0, alert("payments"))
    state = t.engine.state
    before, due = msgspec.json.encode(state), t.engine.next_due()
    # Long after timers were due: none of them fires for it.
    record = Record(state.seq + 1, t.now + DAY, kind, "test", payload)
    with pytest.raises(InputError) as refused:
        t.engine.apply(record)
    assert refused.value.what == what
    assert refused.value.where == f"{kind} record {record.seq}"
    assert refused.value.mend
    assert (msgspec.json.encode(t.engine.state), t.engine.next_due()) == (before, due)
