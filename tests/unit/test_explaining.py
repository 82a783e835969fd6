"""When the agents are asked, and how one annotation answers: seen from the engine alone."""

from __future__ import annotations

from typing import Any

import msgspec

from core.journal import json_draft
from core.model.incident import Incident
from core.model.note import Line, Note
from core.payloads import Annotation
from core.replay import result
from core.times import SECOND, parse_rfc3339
from tests.timeline import SHOP, START, Timeline, alert, change

NOTE = Note("narrator", "narrative", (Line("Payments fails.", ("e1",)),), reason="no model is configured")


def asked(t: Timeline) -> list[tuple[float, str]]:
    return [((parse_rfc3339(d["at"]) - START) / SECOND, d["reason"]) for d in t.decisions("enrich")]


def pending(t: Timeline) -> list[str]:
    return [one.id for one in t.engine.state.pending.values() if one.kind == "enrich"]


def live(t: Timeline) -> Incident:
    [incident] = t.engine.state.incidents.values()
    return incident


def answer(t: Timeline, at: float, *decisions: str, incident: str = "", **more: Any) -> None:
    annotation = Annotation(incident or live(t).id, decisions=decisions, **more)
    t._append(at, json_draft("annotation", "agents", msgspec.to_builtins(annotation)))


def test_they_are_asked_once_the_picture_has_settled() -> None:
    t = Timeline(SHOP)
    t.push(0, alert("payments"))
    t.push(5, alert("checkout", starts=5))
    t.wait(14)
    assert asked(t) == []
    t.wait(60)
    assert asked(t) == [(15, "opened")]


def test_again_when_more_is_known_and_not_for_repetition() -> None:
    t = Timeline(SHOP)
    t.push(0, alert("payments"))
    t.push(20, alert("payments"))
    t.push(40, alert("payments"))
    t.wait(100)
    assert asked(t) == [(15, "opened")]
    t.push(102, alert("checkout", starts=55))
    t.push(104, alert("frontend", starts=60))
    t.changed(106, change("payments", 100, version="2"))
    t.wait(300)
    assert asked(t) == [(15, "opened"), (162, "more_is_known")]


def test_again_when_it_got_worse_once_a_minute_at_most() -> None:
    t = Timeline(SHOP)
    t.push(0, alert("payments", severity="warning"))
    t.wait(60)
    before = live(t).severity
    t.push(100, alert("payments", severity="critical"))
    t.push(110, alert("payments", name="HighLatency", severity="critical", starts=108))
    t.wait(300)
    assert live(t).severity < before
    assert asked(t) == [(15, "opened"), (160, "more_is_known")]


def test_again_when_more_alerts_came_on_the_same_service() -> None:
    t = Timeline(SHOP)
    t.push(0, alert("payments"))
    t.push(100, alert("payments", name="HighLatency", starts=98))
    t.wait(300)
    assert len(live(t).members) == 2
    assert asked(t) == [(15, "opened"), (160, "more_is_known")]


def test_what_a_checkpoint_of_before_knows_is_compared_as_far_as_it_goes() -> None:
    t = Timeline(SHOP)
    t.push(0, alert("payments"))
    t.wait(60)
    incident = live(t)
    incident.explained = incident.explained[:3] if incident.explained else None
    assert msgspec.convert([1, 0, True], tuple[int | bool | str, ...]) == incident.explained
    t.push(100, alert("payments"))
    t.wait(300)
    assert asked(t) == [(15, "opened")], "the same picture, told in fewer words"
    t.push(302, alert("checkout", starts=30))
    t.wait(600)
    assert [reason for _, reason in asked(t)] == ["opened", "more_is_known"]


def test_again_when_nothing_fires_any_more() -> None:
    t = Timeline(SHOP)
    t.push(0, alert("payments"))
    t.push(100, alert("payments", ends=95))
    t.wait(200)
    assert asked(t) == [(15, "opened"), (160, "more_is_known")]


def test_the_end_is_told_at_once_and_cancels_what_was_due() -> None:
    t = Timeline(SHOP)
    t.push(0, alert("payments"))
    t.move(5, live(t).id, "resolved")
    t.wait(300)
    assert asked(t) == [(5, "resolved")]


def test_a_reopened_incident_is_explained_anew() -> None:
    t = Timeline(SHOP)
    t.push(0, alert("payments"))
    t.move(20, live(t).id, "resolved")
    t.move(40, live(t).id, "triggered")
    t.wait(120)
    assert [reason for _, reason in asked(t)] == ["opened", "resolved", "opened"]


def test_one_annotation_answers_several_questions() -> None:
    t = Timeline(SHOP)
    t.push(0, alert("payments"))
    t.move(20, live(t).id, "resolved")
    assert len(pending(t)) == 2
    answer(t, 21, *pending(t), notes=(NOTE,), read_to=3)
    assert pending(t) == []
    assert live(t).asked == []
    assert live(t).notes == {"narrator": NOTE}
    assert live(t).remarks == ()


def test_an_annotation_for_one_question_leaves_the_other() -> None:
    t = Timeline(SHOP)
    t.push(0, alert("payments"))
    t.move(20, live(t).id, "resolved")
    first, second = pending(t)
    answer(t, 21, first, notes=(NOTE,))
    assert pending(t) == live(t).asked == [second]


def test_an_annotation_for_nobody_still_answers() -> None:
    t = Timeline(SHOP)
    t.push(0, alert("payments"))
    t.wait(20)
    answer(t, 21, *pending(t), incident="INC-NOT-THERE")
    assert pending(t) == []


def test_a_comment_of_the_old_form_is_still_read() -> None:
    t = Timeline(SHOP)
    t.push(0, alert("payments"))
    body = {"incident": live(t).id, "author": "ana", "kind": "comment", "text": "looking"}
    t._append(5, json_draft("annotation", "api", body))
    assert [(r.author, r.text) for r in live(t).remarks] == [("ana", "looking")]


def test_what_was_asked_follows_a_merge() -> None:
    t = Timeline(SHOP)
    t.push(0, alert("payments"))
    t.push(60, alert("frontend", starts=60))
    t.wait(80)
    assert len(pending(t)) == 2
    t.push(85, alert("checkout", starts=30))
    assert sorted(live(t).asked) == sorted(pending(t))
    answer(t, 90, *pending(t), incident=next(iter(t.engine.state.redirects)), notes=(NOTE,))
    assert pending(t) == live(t).asked == []
    assert live(t).notes == {}, "a note on a part is none on the whole"


def test_an_older_picture_never_replaces_a_newer_one() -> None:
    t = Timeline(SHOP)
    t.push(0, alert("payments"))
    t.move(20, live(t).id, "resolved")
    first, second = pending(t)
    newer = msgspec.structs.replace(NOTE, lines=(Line("It is over."),))
    answer(t, 21, second, notes=(newer,), read_to=4)
    answer(t, 22, first, notes=(NOTE,), read_to=3)
    assert live(t).notes == {"narrator": newer}
    assert pending(t) == []


def test_what_leaves_memory_waits_for_nobody() -> None:
    t = Timeline(SHOP)
    t.push(0, alert("payments"))
    t.push(10, alert("payments", ends=10))
    t.wait(400)
    assert pending(t)
    t.wait(3 * 86_400)
    assert t.engine.state.incidents == {}
    assert pending(t) == []
    [past] = t.fold.forgotten
    assert past["explained"] == "none"


def test_notes_change_nothing_that_is_hashed() -> None:
    def told(*, noted: bool) -> Timeline:
        t = Timeline(SHOP)
        t.push(0, alert("payments"))
        t.push(5, alert("checkout", starts=5))
        t.wait(20)
        if noted:
            answer(t, 21, *pending(t), notes=(NOTE,), text="and a comment")
        t.wait(900)
        return t

    noted, plain = told(noted=True), told(noted=False)
    assert noted.digest() == plain.digest()
    assert (len(live(noted).remarks), len(live(noted).notes)) == (1, 1)
    assert "explained" not in result(noted.fold)["incidents"][0]
