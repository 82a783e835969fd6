"""What is told of one change folds as a set: the change, and the incidents that show it, in any order."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.canonical import canonical_json
from core.engine import Engine
from core.model.events import AlertEvent, ChangeEvent
from core.model.incident import Change, Telling
from core.times import HOUR, format_rfc3339
from tests.restarts import copy_state
from tests.told import Told, moment, parse_told, picture

HOUR_S = HOUR // 1_000
KNOWN = ("kind", "service", "environment", "cluster", "version", "author", "url", "state", "at", "told_at")


def deploy(**more: Any) -> ChangeEvent:
    return ChangeEvent(**{"kind": "deploy", "service": "payments", "at": moment(0), "ref": "run-7", **more})


def known(told: Told) -> list[Any]:
    return [[getattr(one.event, name) for name in KNOWN] for one in told.fold.engine.state.changes.values()]


def after(*tellings: ChangeEvent | AlertEvent) -> Told:
    told = Told()
    for number, event in enumerate(tellings):
        told.tell(100 + number, event)
    return told


AUTHORS = (
    deploy(state="succeeded", author="bo"),
    deploy(state="started", author="ann"),
    deploy(state="rolled_back"),
)


@pytest.mark.parametrize("order", list(permutations(AUTHORS)))
def test_an_author_is_that_of_the_latest_telling_that_names_one(order: tuple[ChangeEvent, ...]) -> None:
    [change] = after(*order).fold.engine.state.changes.values()
    assert (change.event.author, change.event.state) == ("bo", "rolled_back")


def test_a_telling_that_says_what_was_put_together_from_two_counts_as_one_more() -> None:
    parts = (deploy(version="2", told_at=5), deploy(version="2", author="bo", told_at=1))
    whole, between = deploy(version="2", author="bo", told_at=5), deploy(author="ann", told_at=3)
    told = (*parts, whole, between)
    found = [known(after(*order)) for order in permutations(told)]
    assert all(one == found[0] for one in found)
    assert found[0][0][KNOWN.index("author")] == "bo"


tellings = st.builds(
    deploy,
    kind=st.sampled_from(["deploy", "flag"]),
    service=st.sampled_from(["payments", "ledger"]),
    environment=st.sampled_from(["", "production", "staging"]),
    cluster=st.sampled_from(["", "east"]),
    version=st.sampled_from(["", "1", "2"]),
    author=st.sampled_from(["", "ann", "bo"]),
    url=st.sampled_from(["", "https://a.example", "https://b.example"]),
    state=st.sampled_from(["", "started", "succeeded", "failed", "rolled_back"]),
    told_at=st.sampled_from([0, 1, 2]),
    at=st.sampled_from([moment(0), moment(60)]),
)


@settings(max_examples=40)
@given(told=st.lists(tellings, min_size=4, max_size=4), again=st.integers(0, 3))
def test_four_tellings_and_one_again_fold_the_same_in_each_order(told: list[ChangeEvent], again: int) -> None:
    orders = enumerate(permutations([*told, told[again]]))
    all_told = [
        msgspec.structs.replace(one, ref=f"run-{number}") for number, order in orders for one in order
    ]
    fold = Told()
    fold.tell(100, *all_told)
    found = known(fold)
    assert len(found) == 120
    assert all(one == found[0] for one in found)


def test_a_change_without_an_id_of_its_own_folds_too() -> None:
    told = (deploy(ref="", author="bo"), deploy(ref="", author="ann"), deploy(ref="", state="failed"))
    assert len({canonical_json(known(after(*order))) for order in permutations(told)}) == 1


def test_which_telling_a_value_is_from_survives_a_checkpoint() -> None:
    told = after(*AUTHORS[::2])
    fold = told.fold
    fold.engine = Engine(parse_told, copy_state(fold.engine.state))
    told.tell(200, AUTHORS[1])
    assert known(told) == known(after(*AUTHORS))


def test_a_change_of_an_older_checkpoint_is_read_and_keeps_no_words_beside_it() -> None:
    [change] = after(AUTHORS[0]).fold.engine.state.changes.values()
    older = {**msgspec.to_builtins(change)}
    del older["tellings"]
    assert msgspec.convert(older, Change) == change
    [folded] = after(*AUTHORS).fold.engine.state.changes.values()
    assert isinstance(folded.tellings["author"], Telling)
    assert not {"bo", "ann"} & {one.content for one in folded.tellings.values()}


def alert(service: str, at: float) -> AlertEvent:
    return AlertEvent({"alertname": "Errors", "service": service}, "firing", starts_at=moment(at))


def shown(told: Told) -> Any:
    attached = sorted(
        (one.opened_at > 0, sorted(one.entities)[0].service, tuple(one.changes))
        for one in told.fold.engine.state.incidents.values()
    )
    return attached, picture(told.incidents())


def test_a_change_that_moves_is_shown_only_where_it_matches_in_the_end() -> None:
    """It is first thought to be on payments, and at a time that matches; it was on ledger."""
    told: tuple[AlertEvent | ChangeEvent, ...] = (
        alert("payments", 60),
        alert("ledger", 60),
        deploy(told_at=1),
        deploy(service="ledger", told_at=2, state="succeeded"),
    )
    pictures = {canonical_json(shown(after(*order))) for order in permutations(told)}
    assert len(pictures) == 1
    incidents = after(*told).fold.engine.state.incidents.values()
    attached = {sorted(one.entities)[0].service: len(one.changes) for one in incidents}
    assert attached == {"payments": 0, "ledger": 1}


def test_a_change_whose_beginning_moves_out_of_reach_is_shown_no_more() -> None:
    moved = deploy(at=moment(-9 * HOUR_S), state="succeeded")
    told: tuple[AlertEvent | ChangeEvent, ...] = (alert("payments", 60), deploy(), moved)
    assert len({canonical_json(shown(after(*order))) for order in permutations(told)}) == 1
    [incident] = after(*told).fold.engine.state.incidents.values()
    assert incident.changes == []


def test_an_incident_that_is_closed_keeps_what_it_showed() -> None:
    told = after(alert("payments", 60), deploy())
    ended = AlertEvent(alert("payments", 60).labels, "resolved", starts_at=moment(60), ends_at=moment(150))
    told.tell(150, ended)
    told.wait(30 * HOUR_S)
    [before] = told.incidents()
    assert before["status"] == "closed"
    told.tell(30 * HOUR_S + 10, deploy(service="ledger", told_at=9))
    [incident] = told.incidents()
    assert [row["id"] for row in incident["changes"]] == [row["id"] for row in before["changes"]] != []


def test_the_same_told_again_changes_no_incident() -> None:
    told = after(alert("payments", 60), *AUTHORS)
    told.wait(300)
    [incident] = told.fold.engine.state.incidents.values()
    version = incident.version
    for event in AUTHORS:
        told.tell(300, event)
    assert incident.version == version
    [document] = told.incidents()
    assert document["changes"][0]["at"] == format_rfc3339(moment(0))
