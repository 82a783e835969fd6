"""Weighed or not: in whatever order alerts are heard, the same incidents come of them."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.timeline import SHOP, Timeline, alert, groups

SERVICES = ("frontend", "checkout", "payments", "ledger", "cart", "search", "search-index")
NAMES = ("HighErrorRatio", "Slow", "NoRequests", "KubePodNotReady", "CertificateExpiresSoon")
heard = st.tuples(
    st.sampled_from(SERVICES),
    st.sampled_from(NAMES),
    st.integers(0, 400),
    st.sampled_from([{}, {"pod": "a"}, {"pod": "b"}]),
)


def weighed(least: int, at_most: int) -> dict[str, str]:
    """The rule, so that few alerts are weighed too."""
    return {
        "029-one-incident.yaml": f"rule: one-incident\nsummary: as tested\nleast_links: {least}\n"
        f"after: 15s\nat_most: {at_most}\n"
    }


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_any_order_gives_the_same_groups(data: st.DataObject) -> None:
    rules = weighed(data.draw(st.sampled_from([250, 400, 700])), data.draw(st.sampled_from([6, 200])))
    rows: list[tuple[str, str, int, dict[str, Any]]] = data.draw(st.lists(heard, min_size=4, max_size=24))
    shuffled = data.draw(st.permutations(rows))
    pauses = data.draw(st.lists(st.integers(0, 25), min_size=len(rows), max_size=len(rows)))
    told = []
    for order, waits in ((rows, [0] * len(rows)), (shuffled, pauses)):
        t, at = Timeline(SHOP, rules=rules), 500
        for (service, name, starts, labels), wait in zip(order, waits, strict=True):
            at += wait
            t.push(at, alert(service, name, starts=starts, **labels))
        t.wait(2000)
        told.append(groups(t.incidents()))
    assert told[0] == told[1]
