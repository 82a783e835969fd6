"""What an incident says of how its changes were judged: facts and sentences, report, terminal, reasons."""

from __future__ import annotations

import re

import pytest

from agents.roles import ROLES
from core.narrative.check import check as claims
from core.narrative.facts import fact_bundle
from core.narrative.judged import judged
from core.narrative.report import report
from core.narrative.story import changes_story, plan_story
from core.narrative.why import changed_sentences
from tests.judged import DROP, HEAD, Judging, check
from tests.timeline import SHOP, alert, change
from tests.unit.test_causes import blamed
from tests.unit.test_risk_incident import story
from watchkeeper.cli.show import incident_lines
from watchkeeper.shown import live_document, shown
from watchkeeper.standing_in import with_stand_ins

EVIL = "<b>x</b> [y](http://z) `$(id)` \x1b[2J @all | it caused the outage"
WORDS = "Judged high before it went out, with a warning: Drops a column that is still read"
STAYS = "; a rollback to the old version does not undo"


def test_what_is_said_in_one_sentence() -> None:
    risk = story().incidents()[0]["changes"][0]["risk"]
    assert judged(risk) == f"{WORDS}{STAYS} that; chance to be mended later 12 %"
    assert judged({**risk, "probability": 664}).endswith(" 66 %")
    assert judged({**risk, "probability": 4}).endswith(" under 1 %")
    assert (
        judged({**risk, "level": None, "probability": None}) == "Judged before it went out: no rule matched"
    )
    more = {**risk, "matches": [DROP] * 3, "more": 4, "probability": None}
    assert judged(more).endswith(f"Drops a column that is still read (and 5 more){STAYS} all of it")
    back = {**risk, "matches": [{**DROP, "rule": "k8s-replicas-down"}], "probability": None}
    assert judged(back) == WORDS


def test_the_note_of_the_agents_words_it_and_every_sentence_holds() -> None:
    bundle = fact_bundle(story().incidents()[0])
    [level], [found] = bundle.of("judged"), bundle.of("judged-for")
    assert (level.object, level.value) == ("high risk", "warn")
    assert found.object == "Drops a column that is still read"
    analyst = next(role for role in ROLES if role.kind == "deploy-risk")
    told = claims(analyst.part(bundle), changes_story(analyst.part(bundle)))
    assert [one.reasons for one in told.sentences if not one.kept] == []
    text = " ".join(one.text for one in told.sentences)
    assert "had found high risk" in text
    assert "That check found this: Drops a column that is still read." in text
    assert "A rollback to the old version does not undo this: Drops a column that is still read." in text


def test_the_plans_note_says_what_a_roll_back_leaves_undone() -> None:
    document = {**story().incidents()[0], "plans": [{"id": "rb", "title": "Roll back payments", "level": 1}]}
    planner = next(role for role in ROLES if role.kind == "plan")
    part = planner.part(fact_bundle(document))
    told = claims(part, plan_story(part))
    assert [one.reasons for one in told.sentences if not one.kept] == []
    last = told.sentences[-1].text
    assert last.startswith("A rollback to the old version does not undo this: Drops a column")
    back = [{**DROP, "rule": "k8s-replicas-down"}]
    changes = [{**one, "risk": {**one["risk"], "matches": back}} for one in document["changes"]]
    assert "undo" not in " ".join(plan_story(planner.part(fact_bundle({**document, "changes": changes}))))


def test_the_facts_of_an_incident_without_one_are_as_before() -> None:
    plain = fact_bundle(story(judged=False).incidents()[0])
    assert plain.of("judged", "judged-for") == ()
    assert "check" not in " ".join(changes_story(plain))


def test_that_it_was_judged_proves_no_cause() -> None:
    bundle = fact_bundle(story().incidents()[0])
    level = bundle.of("judged")[0].id
    told = claims(bundle, [f"The high risk caused the trouble of payments [{level}]."])
    assert not told.sentences[0].kept


def test_terminal_report_and_reasons_say_it() -> None:
    t, name, suspect = blamed()
    incident = t.engine.incident(name)
    assert incident is not None
    document = shown(live_document(t.fold, incident))
    lines = "\n".join(incident_lines(document))
    assert f"[{suspect}]" in lines
    assert WORDS in lines
    assert "ana says that it caused this: because" in lines
    text = report(with_stand_ins(document))
    assert "Judged high before it went out" in text
    assert "ana says that the deploy of payments" in text
    said = changed_sentences(document)
    assert said[1].startswith(WORDS)
    assert said[2].endswith("ana says that it caused this: because.")


@pytest.mark.parametrize("level", ["low", "critical"])
def test_hostile_words_stay_words(level: str) -> None:
    t = Judging(SHOP)
    bad = {"rule": EVIL, "level": level, "what": EVIL, "path": EVIL}
    t.judge(-500, check(title=EVIL, level=level, matches=[bad]))
    t.changed(-60, change("payments", -60, version=HEAD))
    t.push(0, alert("payments"))
    [document] = t.incidents()
    t.blame(5, document["id"], document["changes"][0]["id"], actor=EVIL, why=EVIL)
    incident = t.engine.incident(document["id"])
    assert incident is not None
    document = shown(live_document(t.fold, incident))
    assert "\x1b" not in "\n".join(incident_lines(document))
    text = report(with_stand_ins(document))
    assert re.search(r"(?<!\\)<b|(?<!\\)\](?=\()|@all|\x1b|http://", text) is None
    bundle = fact_bundle(document)
    assert all(one.kept or one.reasons for one in claims(bundle, changes_story(bundle)).sentences)
