"""Several people who act at the same moment, over HTTP, on a real server: one is first."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.integration.server import Server
from tests.integration.test_people import fire, shown

pytestmark = pytest.mark.integration
PEOPLE = ("ann", "bob", "cy", "dee", "eva")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with Server(tmp_path / "data") as made:
        yield made


def at_once(server: Server, bodies: Sequence[tuple[str, dict[str, Any]]]) -> list[httpx.Response]:
    """Sent by as many threads, which wait for one another before they begin."""
    gate, found = threading.Barrier(len(bodies)), dict[int, httpx.Response]()

    def send(place: int, path: str, body: dict[str, Any]) -> None:
        with httpx.Client(base_url=server.url, timeout=30) as client:
            client.get("/healthz")
            gate.wait()
            found[place] = client.post(f"/v1/incidents/{path}", json=body)

    threads = [threading.Thread(target=send, args=(n, *one)) for n, one in enumerate(bodies)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [found[place] for place in range(len(bodies))]


def move(name: str, to: str, who: str, **more: str) -> tuple[str, dict[str, Any]]:
    return f"{name}/transitions", {"to": to, "actor": who, "reason": "mine", **more}


def test_one_of_many_who_acknowledge_at_once_has_it(server: Server) -> None:
    names = fire(server, "a-one", "b-two", "c-three", "d-four")
    for name in names:
        answers = at_once(server, [move(name, "acknowledged", who) for who in PEOPLE])
        assert sorted(one.status_code for one in answers) == [200, 409, 409, 409, 409]
        first = shown(server, name)["acknowledged_by"]
        for who, answer in zip(PEOPLE, answers, strict=True):
            assert (answer.status_code == 200) is (who == first)
            if who != first:
                assert f" by {first}" in answer.json()["error"]["what"]
        acted = [one["actor"] for one in shown(server, name)["history"] if one["what"] == "acknowledged"]
        assert acted == [first]


def test_each_who_is_told_yes_is_in_the_history(server: Server) -> None:
    """Two ways to mitigate and one to resolve: whatever the order, no 200 is for nothing."""
    for name in fire(server, "a-one", "b-two", "c-three"):
        wanted = [("ann", "mitigated"), ("bob", "resolved"), ("cy", "mitigated")]
        answers = at_once(server, [move(name, to, who) for who, to in wanted])
        history = [(one["actor"], one["what"]) for one in shown(server, name)["history"]]
        for pair, answer in zip(wanted, answers, strict=True):
            assert answer.status_code in (200, 409)
            assert (pair in history) is (answer.status_code == 200)
        assert 200 in {one.status_code for one in answers}


def test_two_who_merge_at_once_each_the_other_way_round(server: Server) -> None:
    first, second = fire(server, "a-one", "b-two")
    bodies = [move(first, "merged", "ann", into=second), move(second, "merged", "bob", into=first)]
    answers = at_once(server, bodies)
    assert sorted(one.status_code for one in answers) == [200, 409]
    refused = next(one for one in answers if one.status_code == 409).json()["error"]
    winner = next(who for who, one in zip(("ann", "bob"), answers, strict=True) if one.status_code == 200)
    assert f"by {winner}" in refused["what"]
    assert refused["mend"]
    assert shown(server, first)["id"] == shown(server, second)["id"]


def test_comments_at_once_are_all_kept(server: Server) -> None:
    [name] = fire(server, "a-one")
    bodies = [(f"{name}/comments", {"author": who, "text": f"from {who}"}) for who in PEOPLE]
    assert {one.status_code for one in at_once(server, bodies)} == {200}
    said = {one["text"] for one in shown(server, name)["annotations"] if one["kind"] == "comment"}
    assert said == {f"from {who}" for who in PEOPLE}
