"""The order promise: in whatever order alerts are heard, and however often, they are grouped alike."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from core.correlation.regroup import components, linked_to
from tests.timeline import SHOP, Timeline, alert, change, groups

SERVICES = ("frontend", "checkout", "payments", "ledger", "cart", "search", "mailer", "unlisted", "")
NAMES = ("HighErrorRatio", "Slow", "KubePodNotReady", "KubeContainerWaiting", "CertificateExpiresSoon")
heard = st.tuples(
    st.sampled_from(SERVICES),
    st.sampled_from(NAMES),
    st.integers(0, 500),
    st.sampled_from([{}, {"pod": "a"}, {"pod": "b"}, {"node": "n1"}, {"namespace": "shop"}]),
)


def told(rows: list[tuple[str, str, int, dict[str, Any]]], *, changed: int | None = None) -> Timeline:
    """All heard within a second, so that no timer fires between."""
    t = Timeline(SHOP)
    for place, (service, name, starts, labels) in enumerate(rows):
        if place == changed:
            t.changed(500, change("payments", 20))
        t.push(500, alert(service, name, starts=starts, **labels))
    if changed is not None and changed >= len(rows):
        t.changed(500, change("payments", 20))
    t.wait(2000)
    return t


def judged(t: Timeline) -> list[tuple[str, str, str]]:
    """Onset, origin and severity of each incident."""
    rows = [
        (i["started_at"], (i["origin"] or {"service": ""})["service"], i["severity"]) for i in t.incidents()
    ]
    return sorted(rows)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_any_order_gives_the_same_groups(data: st.DataObject) -> None:
    rows = data.draw(st.lists(heard, min_size=2, max_size=14))
    shuffled = data.draw(st.permutations(rows))
    again = data.draw(st.lists(st.sampled_from(rows), max_size=4))
    changed = data.draw(st.integers(0, len(rows)))
    one, other = told(rows, changed=changed), told([*shuffled, *again], changed=0)
    assert groups(one.incidents()) == groups(other.incidents())
    origins = [
        sorted(
            (i["started_at"], (i["origin"] or {"service": ""})["service"], i["severity"])
            for i in t.incidents()
        )
        for t in (one, other)
    ]
    assert origins[0] == origins[1]


@settings(max_examples=150, deadline=None)
@given(st.lists(heard, min_size=1, max_size=14))
def test_an_incident_is_a_component_and_no_link_crosses_two_that_do_more_than_touch(
    rows: list[tuple[str, str, int, dict[str, str]]],
) -> None:
    t = told(rows)
    world = t.engine.world
    for incident in world.state.incidents.values():
        assert len(components(world, incident)) == 1
    for episode in world.state.episodes.values():
        if not episode.again:
            linked = {world.state.episodes[name].incident for name in linked_to(world, episode)}
            assert linked <= {episode.incident, *world.state.loose.get(episode.incident, ())}
