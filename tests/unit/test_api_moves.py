"""Merging, splitting and comments by the API, with every refusal."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.timeline import alert
from tests.unit.test_api import Client, app, ask, now_shifted, settled
from watchkeeper.app import App

__all__ = ["app"]


def two(app: App) -> tuple[str, str]:
    """An incident with two alerts of payments, and one of mailer."""

    async def talk(client: Client) -> Any:
        body = {"alerts": now_shifted(alert("payments"), alert("payments", "Slow"), alert("mailer"))}
        assert (await client.post("/alerts", json=body)).status_code == 202

    ask(app, talk)
    settled(app)
    rows = ask(app, lambda client: client.get("/v1/incidents")).json()["incidents"]
    by_service = {row["services"][0]["service"]: row["id"] for row in rows}
    return by_service["payments"], by_service["mailer"]


def shown(app: App, name: str) -> dict[str, Any]:
    found: dict[str, Any] = ask(app, lambda client: client.get(f"/v1/incidents/{name}")).json()
    return found


def post(app: App, path: str, body: dict[str, Any]) -> httpx.Response:
    answer: httpx.Response = ask(app, lambda client: client.post(f"/v1/incidents/{path}", json=body))
    return answer


def move(app: App, name: str, to: str, **more: Any) -> httpx.Response:
    return post(app, f"{name}/transitions", {"to": to, "actor": "ana", "reason": "r", **more})


def test_a_merge_gives_the_one_that_stays_and_the_other_leads_to_it(app: App) -> None:
    first, second = two(app)
    kept, gone = sorted((first, second), key=lambda name: (name != first, name))
    answer = move(app, second, "merged", into=first)
    assert answer.status_code == 200
    document = answer.json()
    assert sorted([document["id"], *document["merged_from"]]) == sorted([kept, gone])
    assert [shown(app, name)["id"] for name in (first, second)] == [document["id"]] * 2


def test_a_split_says_which_incident_is_new(app: App) -> None:
    first, _ = two(app)
    document = shown(app, first)
    slow = next(row["episode"] for row in document["alerts"] if row["name"] == "Slow")
    answer = move(app, first, "split", alerts=[slow])
    assert answer.status_code == 200
    [new] = answer.json()["split_into"]
    found = shown(app, new)
    assert (found["split_from"], [row["episode"] for row in found["alerts"]]) == (first, [slow])


@pytest.mark.parametrize(
    ("to", "more", "status", "said"),
    [
        ("merged", {}, 400, "names no other incident"),
        ("merged", {"into": "INC-NONE"}, 404, "no incident 'INC-NONE'"),
        ("merged", {"into": "SELF"}, 400, "cannot be merged with itself"),
        ("merged", {"into": 5}, 400, ""),
        ("merged", {"into": "x" * 201}, 400, ""),
        ("split", {}, 400, "no alerts to split off"),
        ("split", {"alerts": ["nothing"]}, 400, "has no alert 'nothing'"),
        ("split", {"alerts": "nothing"}, 400, ""),
        ("split", {"alerts": ["x"] * 1_001}, 400, ""),
        ("split", {"alerts": [{}]}, 400, ""),
        ("split\x00", {}, 400, ""),
    ],
)
def test_what_makes_no_sense_is_refused_and_not_stored(
    app: App, to: str, more: dict[str, Any], status: int, said: str
) -> None:
    first, _ = two(app)
    head = app.health()["journal_head"]
    more = {key: first if value == "SELF" else value for key, value in more.items()}
    answer = move(app, first, to, **more)
    assert (answer.status_code, said in answer.json()["error"]["what"]) == (status, True)
    assert app.health()["journal_head"] == head


def test_a_comment_is_kept_and_counts_as_an_update(app: App) -> None:
    first, _ = two(app)
    assert move(app, first, "acknowledged").json()["clocks"]["met"] is True
    answer = post(app, f"{first}/comments", {"author": "bo", "text": "still <b>looking"})
    assert answer.status_code == 200
    document = answer.json()
    assert [(one["author"], one["text"]) for one in document["annotations"] if one["kind"] == "comment"] == [
        ("bo", "still <b>looking")
    ]
    assert document["clocks"]["updated_at"] >= document["clocks"]["responded_at"]


def test_comments_that_make_no_sense_are_refused(app: App) -> None:
    first, _ = two(app)
    assert post(app, f"{first}/comments", {"author": "bo", "text": "  "}).status_code == 400
    assert post(app, f"{first}/comments", {"author": " ", "text": "x"}).status_code == 400
    assert post(app, f"{first}/comments", {"author": "bo"}).status_code == 400
    assert post(app, f"{first}/comments", {"author": "bo", "text": "x" * 4_001}).status_code == 400
    assert post(app, "INC-NONE/comments", {"author": "bo", "text": "x"}).status_code == 404
    for to in ("resolved", "closed"):
        assert move(app, first, to).status_code == 200
    answer = post(app, f"{first}/comments", {"author": "bo", "text": "x"})
    assert (answer.status_code, "is closed" in answer.json()["error"]["what"]) == (409, True)


def test_a_closed_incident_is_neither_merged_nor_split(app: App) -> None:
    first, second = two(app)
    for to in ("resolved", "closed"):
        assert move(app, first, to).json()["status"] == to
    assert move(app, first, "merged", into=second).status_code == 409
    assert move(app, second, "merged", into=first).status_code == 409
    assert move(app, first, "split", alerts=["x"]).status_code == 409
    assert shown(app, first)["allowed"] == []
