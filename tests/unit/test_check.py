"""The claim check, rule by rule: what each reason is for, what comes out, and what it costs on hostile
input."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.model.note import Line
from core.narrative.check import MAX_CHARS, MAX_SENTENCES, Checked, Sentence, check, lines
from core.narrative.facts import Bundle
from tests.narrated import bundles
from tests.unit.test_check_paraphrases import by_hand, going_on, numbered, over

FALSE: tuple[tuple[str, str], ...] = (
    ("no citation", "payments began to alert at 04:25:16 UTC."),
    ("no citation", "payments began to alert [trouble:payments]. Nothing else is known."),
    ("unknown citation", "payments began to alert [F999]."),
    ("unknown slot", "payments began to alert at {F999.at} [trouble:payments]."),
    ("unknown slot", "payments began to alert at {trouble:payments.secret} [trouble:payments]."),
    ("slot not cited", "payments began to alert at {trouble:payments.at} [started]."),
    ("citation not used", "payments began to alert [trouble:payments][suspect:cache-seconds=30]."),
    ("wrong number", "Six alerts fired [alerts]."),
    ("wrong number", "5 services fired alerts on 6 services [services][alerts]."),
    ("wrong number", "The incident was resolved after 7 hours [duration]."),
    ("wrong number", "The incident was resolved after 70 min [duration]."),
    ("wrong number", "It was resolved after more than 10 min [duration]."),
    ("wrong number", "The origin is payments with a score of 500/1000 [origin]."),
    ("wrong number", "The origin is payments with 50 % [origin]."),
    ("wrong number", "It is the third incident of its kind [past]."),
    ("wrong time", "It began at 04:26 UTC [started]."),
    ("wrong time", "It began at 04:25:16 CET [started]."),
    ("wrong time", "It began at 04:25:16 PM UTC [started]."),
    ("wrong time", "It began on 2026-11-22 [started]."),
    ("wrong time", "payments alerted at 04:25:18 UTC, and checkout at"
     " 04:25:16 UTC [trouble:payments][trouble:checkout]."),
    ("name not cited", "payments calls inventory [trouble:payments]."),
    ("name not cited", "The severity is P1 and the incident INC-20260901-ABCDEF [severity]."),
    ("unknown name", "billing-core began to alert [trouble:payments]."),
    ("unknown name", "payments-v2 began to alert [trouble:payments]."),
    ("unknown name", "{trouble:payments.subject}-v2 began to alert [trouble:payments]."),
    ("unknown name", "Alerts of payments came from Redis [trouble:payments]."),
    ("unknown name", "payments began to alert like billing did [trouble:payments], billing was next."),
    ("unknown name", 'payments began to alert with "DiskFull" [trouble:payments].'),
    ("unknown name", "payments began to alert, see CVE-2026-1234 [trouble:payments]."),
    ("unknown name", "bob deployed payments 2.4.0 [suspect:2.4.0]."),
    ("unsupported cause",
    "payments probably failed because checkout failed [trouble:payments][trouble:checkout]."),
    ("unsupported cause", "checkout probably took payments down [trouble:checkout][trouble:payments]."),
    ("unsupported cause", "lena probably broke payments [author:lena][trouble:payments]."),
    ("unsupported cause", "The configuration change of inventory probably caused the trouble of payments"
     " [suspect:cache-seconds=30][trouble:payments]."),
    ("cause not hedged", "The deploy of payments 2.4.0 caused the trouble of payments"
     " [suspect:2.4.0][trouble:payments]."),
    ("wrong order", "checkout began before payments [trouble:checkout][trouble:payments]."),
    ("wrong order",
    "payments 2.4.0 was deployed after payments began to alert [suspect:2.4.0][trouble:payments]."),
    ("wrong call", "payments calls checkout [edge:checkout>payments]."),
    ("wrong call", "payments depends on checkout [edge:checkout>payments]."),
    ("wrong call", "checkout is called by payments [edge:checkout>payments]."),
    ("wrong status", "The incident is still firing [status]."),
    ("wrong status", "All alerts are firing [firing]."),
    ("wrong status", "payments has not recovered [end:payments]."),
    ("wrong status", "ana acknowledged it [resolved]."),
    ("unsupported negation", "payments never began to alert [trouble:payments]."),
    ("unsupported negation", "No change was reported [suspect:2.4.0]."),
    ("wrong topic", "payments was slow [trouble:payments]."),
    ("wrong topic", "The probable origin is checkout [trouble:checkout]."),
    ("wrong topic", "checkout is the probable origin [origin][trouble:checkout]."),
    ("wrong topic", "payments alerted, and checkout was the origin"
     " [origin][trouble:payments][trouble:checkout]."),
    ("wrong topic", "The trouble began at checkout [origin][trouble:checkout]."),
    ("wrong topic", "tomasz deployed payments 2.4.0 [suspect:2.4.0][author:tomasz]."),
    ("wrong topic", "payments 2.4.0 is a flag change [suspect:2.4.0]."),
    ("unfamiliar words", "Kernels evicted buffers of payments [trouble:payments]."),
    ("unsupported claim", "An attacker broke into payments [trouble:payments]."),
    ("unsupported claim", "payments lost data [trouble:payments]."),
    ("unsupported claim", "payments began to alert ten minutes ago [trouble:payments]."),
    ("address", "payments began to alert, see https://evil.example [trouble:payments]."),
    ("address", "payments began to alert, ask ops@evil.example [trouble:payments]."),
    ("address", "payments began to alert, @channel [trouble:payments]."),
    ("address", "payments began to alert, see www.evil.example [trouble:payments]."),
    ("markup", "payments **began** to alert [trouble:payments]."),
    ("markup", "payments <b>began</b> to alert [trouble:payments]."),
    ("markup", "[payments](x) began to alert [trouble:payments]."),
    ("markup", "# payments began to alert [trouble:payments]."),
    ("markup", "payments began | to alert [trouble:payments]."),
    ("command", "payments began to alert, kubectl rollout helps [trouble:payments]."),
    ("command", "payments began to alert with --force [trouble:payments]."),
    ("instruction", "Restart payments [trouble:payments]."),
    ("instruction", "payments began to alert; roll back [trouble:payments]."),
    ("instruction", "Please look at payments [trouble:payments]."),
    ("instruction", "Ignore what was said of payments [trouble:payments]."),
    ("instruction", "You should look at payments [trouble:payments]."),
    ("hidden characters", "payments\u200b began to alert [trouble:payments]."),
    ("hidden characters", "payments\u202e began to alert [trouble:payments]."),
    ("hidden characters", "payments\x07 began to alert [trouble:payments]."),
    ("hidden characters", "payments began\nto alert [trouble:payments]."),
    ("hidden characters", "payments \ue000 began to alert [trouble:payments]."),
    ("hidden characters", "pay\u0301ments began to alert [trouble:payments]."),
    ("not English", "Оплата не работает [trouble:payments]."),
    ("unknown name", "p\u0430yments began to alert [trouble:payments]."),
    ("too long", f"payments began to alert {'again ' * 80}[trouble:payments]."),
    ("empty", "   "),
)  # fmt: skip


def reasons(bundle: Bundle, text: str) -> tuple[str, ...]:
    return check(bundle, [numbered(bundle, text)]).sentences[0].reasons


@pytest.mark.parametrize(("reason", "text"), FALSE)
def test_a_false_sentence_is_dropped_and_the_reason_named(reason: str, text: str) -> None:
    assert reason in reasons(over(), text)


def test_reasons_are_ours_and_repeat_nothing_of_the_sentence() -> None:
    for _, text in FALSE:
        for reason in reasons(over(), text):
            assert re.fullmatch(r"[a-zA-Z ]{5,30}", reason)


def test_slots_are_filled_and_citations_go() -> None:
    bundle = over()
    text = (
        "payments began to alert at {trouble:payments.at} ({alerts.value} in all) [trouble:payments][alerts]."
    )
    [sentence] = check(bundle, [numbered(bundle, text)]).sentences
    assert sentence == Sentence(
        "payments began to alert at 2026-11-21 04:25:16 UTC (5 alerts in all).", True, (), sentence.evidence
    )
    assert sentence.evidence == ("default/08cf561a1d70cfe6@1795235116789", "INC-20261121-OQU2EI")


def test_lines_are_what_survived() -> None:
    bundle = over()
    checked = check(bundle, [numbered(bundle, "The severity is P0 [severity]."), "The severity is P3 [F2]."])
    assert lines(checked) == (Line("The severity is P0.", ("INC-20261121-OQU2EI",)),)
    assert checked.template_used is True


@pytest.mark.parametrize(
    ("good", "bad", "used"), [(3, 0, False), (3, 2, False), (2, 2, True), (0, 1, True), (0, 0, True)]
)
def test_the_template_speaks_when_too_little_survives(good: int, bad: int, used: bool) -> None:
    bundle = over()
    sentences = [numbered(bundle, "The severity is P0 [severity].")] * good + ["It is P3 [F2]."] * bad
    checked = check(bundle, sentences)
    assert sum(sentence.kept for sentence in checked.sentences) == good
    assert checked.template_used is used


def test_least_is_in_thousandths() -> None:
    bundle = over()
    sentences = [numbered(bundle, "The severity is P0 [severity]."), "It is P3 [F2]."]
    assert check(bundle, sentences, least=500).template_used is False
    assert check(bundle, sentences, least=501).template_used is True


def test_more_sentences_than_a_person_reads_are_dropped() -> None:
    bundle = over()
    checked = check(bundle, [numbered(bundle, "The severity is P0 [severity].")] * (MAX_SENTENCES + 2))
    assert [s.reasons for s in checked.sentences[MAX_SENTENCES:]] == [("too many sentences",)] * 2
    assert len(lines(checked)) == MAX_SENTENCES


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("8 s", True), ("8.1 s", True), ("8.13 s", True), ("8130 ms", True), ("eight seconds", True),
        ("0.14 min", True),
        ("9 s", False), ("8.2 s", False), ("8 ms", False), ("8 min", False), ("80 s", False),
        ("eighty seconds", False),
        ("more than 8 s", True), ("more than 9 s", False), ("less than 10 s", True), ("less than a minute",
        True),
        ("under 8 s", False), ("at least 5 s", True), ("half a minute", False), ("0.002 h", True),
        ("0.003 h", False), ("twenty-eight seconds", False),
    ],
)  # fmt: skip
def test_durations_are_compared_by_what_they_say(text: str, kept: bool) -> None:
    cited = "[suspect:2.4.0][age:payments]"
    sentence = f"The deploy of payments 2.4.0 came {text} before the first alert of payments {cited}."
    assert ("wrong number" not in reasons(over(), sentence)) is kept


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("04:25 UTC", True), ("4:25 UTC", True), ("04:25:16", True), ("04:25:16.789Z", True),
        ("04:25:16 GMT", True),
        ("2026-11-21T04:25:16.789Z", True), ("2026-11-21 at 04:25 UTC", True), ("4:25 am UTC", True),
        ("04:25:17 UTC", False), ("05:25 UTC", False), ("04:25 +01:00", False), ("2026-11-20 04:25 UTC",
        False),
        ("4:25 pm UTC", False), ("04:2", False),
    ],
)  # fmt: skip
def test_times_are_compared_to_the_digit_that_is_said(text: str, kept: bool) -> None:
    assert (reasons(over(), f"The incident began at {text} [started].") == ()) is kept


def test_days_by_name() -> None:
    assert reasons(over(), "The incident began on 21 November 2026 [started].") == ()
    assert reasons(over(), "The incident began on November 21, 2026 [started].") == ()
    assert "wrong number" in reasons(over(), "The incident began on 22 November 2026 [started].")


def test_negation_turns_a_status_round() -> None:
    assert reasons(going_on(), "It is not resolved [status].") == ()
    assert "wrong status" in reasons(going_on(), "It is resolved [status].")
    assert "wrong status" in reasons(over(), "It is not resolved [status].")
    assert reasons(by_hand(), "It was acknowledged by ana [acknowledged].") == ()
    assert "wrong status" in reasons(by_hand(), "It was not acknowledged by ana [acknowledged].")
    assert "unsupported negation" in reasons(going_on(), "Somebody has picked it up [unacknowledged].")


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.text(max_size=120) | st.text("F[]{}.0123456789 at:subject\"'`-", max_size=120), max_size=4)
)
def test_it_never_raises_and_lets_nothing_unchecked_through(sentences: list[str]) -> None:
    checked = check(over(), sentences)
    assert isinstance(checked, Checked)
    assert len(checked.sentences) == len(sentences)
    for sentence in checked.sentences:
        assert sentence.kept is not bool(sentence.reasons)
        assert "\n" not in sentence.text
        assert not sentence.kept or sentence.evidence


HOSTILE = (
    "[F1" * 5_000, "[F1, " * 5_000, "{F1." * 5_000, "F1 " * 5_000, "a" * 100_000, " " * 100_000,
    "1" * 100_000,
    "1:2" * 30_000, "1,000" * 20_000, "12:34:56 " * 10_000, "because " * 10_000, "before after " * 10_000,
    "not " * 20_000, "'\"`" * 30_000, "payments and " * 8_000, "a-" * 50_000, "2026-11-21 " * 9_000,
    "of " * 30_000,
    ". A" * 30_000, "\u200b" * 50_000, "\ue000" * 50_000, "x@y.z " * 16_000, "level " * 16_000,
)  # fmt: skip


@pytest.mark.timeout(20)
@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_long_hostile_input_ends(text: str) -> None:
    """Patterns are linear and read at most MAX_CHARS; one that backtracks without end would never come
    back."""
    bundle = over()
    for cut in (text, text[:MAX_CHARS], f"{text[: MAX_CHARS - 10]} [F1]."):
        assert len(check(bundle, [cut] * MAX_SENTENCES).sentences) == MAX_SENTENCES


def test_the_largest_bundle_of_the_cases_is_still_small() -> None:
    assert max(len(bundle.facts) for bundle in bundles()) < 80
