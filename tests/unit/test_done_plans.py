"""A plan whose change was undone already is said to be done, and stands behind the others, everywhere."""

from __future__ import annotations

from typing import Any

import pytest

from core.narrative.page import page_text
from core.narrative.report import report
from tests.timeline import SHOP, Timeline, alert, change
from tests.unit.test_console import Browser, FakeWatch
from tests.unit.test_plans import world
from watchkeeper.cli.show import incident_lines


def troubled(*later: dict[str, Any], ends: bool = True) -> Timeline:
    """A deploy of payments and its alert; `later` changes, after which it ends."""
    t = world(SHOP)
    t.changed(0, change("payments", -20, version="2.4.0"))
    t.push(0, alert("payments"))
    for body in later:
        t.changed(200, body)
    if ends:
        t.push(300, alert("payments", ends=300))
        t.wait(900)
    return t


def plans(t: Timeline) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = t.incidents()[0]["plans"]
    return found


def fix(t: Timeline) -> str:
    return str(t.incidents()[0]["questions"]["likely_fix"]["answer"])


def test_every_surface_says_that_a_roll_back_was_made_and_none_advises_it() -> None:
    t = troubled(change("payments", 180, version="2.3.9"))
    [document] = t.incidents()
    title = "Roll back the deploy of payments 2.4.0"
    assert [(plan["title"], bool(plan["done"])) for plan in plans(t)] == [
        (f"{title} ({plans(t)[0]['done']})", True)
    ]
    assert plans(t)[0]["done"].startswith("probably already rolled back to 2.3.9: deploy of payments 2.3.9, ")
    note = {"kind": "plan", "choice": plans(t)[0]["id"], "made_by": "template", "author": "planner",
            "lines": [{"text": f"The plan that fits best is this one: {title}.", "evidence": []}],
            "model": "", "prompt": "", "reason": "", "dropped": 0, "at": document["opened_at"]}  # fmt: skip
    noted = {**document, "annotations": [note]}
    texts = {
        "page": Browser(FakeWatch(t), 960).get(f"/incidents/{document['id']}").text,
        "report": report(noted),
        "terminal": "\n".join(incident_lines(noted)),
    }
    for name, text in texts.items():
        assert f"{title} (probably already rolled back to 2.3.9" in text, name
        assert "puts it first" not in text, name
        assert "The plan that fits best" not in text, name
    told = "What is the likely fix? Probably mended already: deploy of payments 2.3.9"
    assert told in page_text(document, "resolved", "")


def test_what_is_done_stands_behind_what_is_not() -> None:
    t = world(SHOP)
    t.changed(0, change("payments", -20, version="2.4.0"))
    t.changed(0, change("payments", -600, kind="flag", version="new-cart"))
    t.push(0, alert("payments"))
    before = plans(t)
    t.changed(200, change("payments", 180, version="2.3.9"))
    t.push(300, alert("payments", ends=300))
    t.wait(900)
    assert [plan["title"].startswith("Roll back") for plan in before] == [True, False]
    assert [(plan["title"].startswith("Roll back"), bool(plan["done"])) for plan in plans(t)] == [
        (False, False),
        (True, True),
    ]
    assert [plan["id"] for plan in plans(t)] == [plan["id"] for plan in reversed(before)]


@pytest.mark.parametrize(
    ("version", "words"),
    [
        ("2.3.9", "rolled back to 2.3.9"),
        ("v2.3.9", "rolled back to v2.3.9"),
        ("2.4.1", "replaced by 2.4.1"),
        ("2.10.0", "replaced by 2.10.0"),
        ("main-7f3", "replaced by main-7f3"),
        ("", "rolled back:"),
    ],
)
def test_only_what_ran_before_or_is_lower_is_called_a_roll_back(version: str, words: str) -> None:
    t = troubled(change("payments", 180, version=version))
    assert f"(probably already {words}" in plans(t)[0]["title"]


def test_what_ran_before_is_known_by_what_was_told() -> None:
    t = world(SHOP)
    t.changed(0, change("payments", -90_000, version="blue"))
    t.changed(0, change("payments", -20, version="green"))
    t.push(0, alert("payments"))
    t.changed(200, change("payments", 180, version="blue"))
    t.push(300, alert("payments", ends=300))
    t.wait(900)
    assert "(probably already rolled back to blue: " in plans(t)[0]["title"]


def test_a_version_decides_no_order_and_nothing_is_done_while_it_fires() -> None:
    t = troubled(change("payments", 180, version="2.3.9"), ends=False)
    assert [plan["done"] for plan in plans(t)] == [""]
    assert fix(t).endswith(" After it came the deploy of payments 2.3.9: look first at which of them runs.")
    other = troubled(change("payments", 180, version="2.4.1"), ends=False)
    assert [plan["id"] for plan in plans(other)] == [plan["id"] for plan in plans(t)]


def test_a_change_whose_sender_says_that_it_was_rolled_back_is_done_at_once() -> None:
    t = world(SHOP)
    t.changed(0, change("payments", -20, version="2.4.0", ref="d1"))
    t.push(0, alert("payments"))
    assert fix(t).startswith("Roll back the deploy of payments 2.4.0")
    t.changed(200, change("payments", -20, version="2.4.0", ref="d1", state="rolled_back"))
    assert "(already rolled back, as its sender says)" in plans(t)[0]["title"]
    assert fix(t).startswith("The suspected deploy of payments 2.4.0 is already rolled back, as its sender")


def test_another_change_of_the_service_undoes_nothing() -> None:
    for body in (change("payments", 180, kind="flag"), change("ledger", 180, version="1")):
        found = [plan for plan in plans(troubled(body)) if plan["title"].startswith("Roll back")]
        assert [plan["done"] for plan in found] == [""]
