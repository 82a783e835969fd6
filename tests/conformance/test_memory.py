"""What every memory promises, run on each implementation."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.ports import Memory, Remembered
from retrieval.edge import EdgeMemory
from retrieval.in_memory import InMemory
from retrieval.likeness import rank

Opener = Callable[[], Memory]
BAD_DEPLOY = (
    "origin-symptom:errors", "symptom:errors", "change:deploy", "spread:callers", "service:payments",
    "alert:HighErrorRatio", "word:high", "word:error",
)  # fmt: skip


@pytest.fixture(params=["in-memory", "edge"])
def opener(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Opener]:
    """Opens an empty memory at each call."""
    with ExitStack() as opened:

        def make() -> Memory:
            if request.param == "in-memory":
                return InMemory()
            folder = Path(tempfile.mkdtemp(dir=tmp_path))
            return opened.enter_context(closing(EdgeMemory(folder)))

        yield make


@pytest.fixture
def memory(opener: Opener) -> Memory:
    return opener()


def incident(name: str, *terms: str, text: str = "", title: str = "") -> Remembered:
    return Remembered(name, "incident", title, "2026-03-01T00:00:00.000Z", terms, text, f"ending of {name}")


def ids(memory: Memory, like: Remembered, limit: int = 10) -> list[str]:
    return [found.remembered.id for found in memory.recall(like, "incident", limit)]


def test_nothing_is_remembered_at_first(memory: Memory) -> None:
    memory.put([])
    memory.forget([])
    memory.forget(["nobody"])
    assert memory.recall(incident("q", *BAD_DEPLOY), "incident", 5) == []


def test_the_most_alike_comes_first_and_comes_back_whole(memory: Memory) -> None:
    same = incident("same", *BAD_DEPLOY)
    half = incident("half", "origin-symptom:errors", "symptom:errors", "unchanged:origin")
    other = incident("other", "origin-symptom:certificate", "service:mailer")
    memory.put([other, half, same])
    first, second = memory.recall(incident("q", *BAD_DEPLOY), "incident", 5)
    assert (first.remembered, first.shared) == (same, BAD_DEPLOY)
    assert (second.remembered, second.shared) == (half, ("origin-symptom:errors", "symptom:errors"))
    assert first.match > 950
    assert 300 < second.match < 500


def test_the_same_terms_and_words_are_a_perfect_likeness(memory: Memory) -> None:
    memory.put([incident("a", *BAD_DEPLOY, text="failed over", title="payments")])
    [found] = memory.recall(incident("q", *BAD_DEPLOY, text="failed over", title="payments"), "incident", 1)
    assert found.match == 1000


def test_never_the_one_that_is_asked_about(memory: Memory) -> None:
    memory.put([incident("a", *BAD_DEPLOY), incident("b", *BAD_DEPLOY)])
    assert ids(memory, incident("a", *BAD_DEPLOY)) == ["b"]


def test_incidents_and_runbooks_are_kept_apart(memory: Memory) -> None:
    runbook = Remembered("r", "runbook", "Roll back", "", ("symptom:errors",), "undo the deploy")
    memory.put([runbook, incident("a", "symptom:errors")])
    like = incident("q", "symptom:errors")
    assert [found.remembered for found in memory.recall(like, "runbook", 5)] == [runbook]
    assert ids(memory, like) == ["a"]


def test_the_last_put_counts(memory: Memory) -> None:
    memory.put([incident("a", "symptom:errors"), incident("b", "symptom:latency")])
    memory.put([incident("a", "symptom:queue"), incident("a", "symptom:latency", "service:x")])
    assert ids(memory, incident("q", "symptom:errors")) == []
    assert ids(memory, incident("q", "symptom:queue")) == []
    assert ids(memory, incident("q", "symptom:latency")) == ["a", "b"]
    memory.forget(["a"])
    assert ids(memory, incident("q", "symptom:errors", "symptom:queue", "service:x")) == []


def test_what_is_forgotten_is_gone(memory: Memory) -> None:
    memory.put([incident(name, *BAD_DEPLOY) for name in "abc"])
    memory.forget(["b", "nobody"])
    assert ids(memory, incident("q", *BAD_DEPLOY)) == ["a", "c"]
    memory.put([incident("b", *BAD_DEPLOY)])
    assert ids(memory, incident("q", *BAD_DEPLOY)) == ["a", "b", "c"]


def test_words_find_what_has_them(memory: Memory) -> None:
    """A search by hand has words and no terms."""
    memory.put([
        incident("a", "service:payments", text="rolled the deploys back"),
        incident("b", "service:search", text="restarted it"),
    ])  # fmt: skip
    assert ids(memory, Remembered("", "incident", "Payments deploy")) == ["a"]
    assert ids(memory, Remembered("", "incident", "mailer")) == []


def test_domains_never_mix(memory: Memory) -> None:
    memory.put([
        incident("a", "symptom:errors", "domain:one"),
        incident("b", "symptom:errors", "domain:two"),
        incident("c", "symptom:errors"),
    ])  # fmt: skip
    assert ids(memory, incident("q", "symptom:errors", "domain:one")) == ["a", "c"]
    assert ids(memory, incident("q", "symptom:errors")) == ["a", "b", "c"]


def test_equals_come_by_id_however_many_there_are(memory: Memory) -> None:
    names = [f"i{number:04}" for number in range(2_000)]
    random.Random(1).shuffle(names)
    memory.put([incident(name, *BAD_DEPLOY) for name in names])
    like = incident("q", *BAD_DEPLOY)
    assert ids(memory, like, 3) == ["i0000", "i0001", "i0002"]
    assert ids(memory, like, 2_500) == sorted(names)
    assert ids(memory, like, 0) == []


def test_two_thousand_are_ranked_as_if_all_were_compared(memory: Memory) -> None:
    chance = random.Random(2)
    many = [_by_chance(chance, f"i{number:04}") for number in range(2_000)]
    memory.put(many)
    for _ in range(20):
        like = _by_chance(chance, "q")
        assert memory.recall(like, "incident", 5) == rank(like, many, 5)


def _by_chance(chance: random.Random, name: str) -> Remembered:
    symptoms = ("errors", "latency", "down", "saturation", "queue", "certificate", "traffic")
    symptom, services = chance.choice(symptoms), chance.sample(range(200), chance.randint(1, 6))
    changed = f"change:{chance.choice(('deploy', 'flag'))}" if chance.random() < 0.5 else "unchanged:origin"
    spread = "callers" if len(services) > 1 else "alone"
    terms = [f"origin-symptom:{symptom}", f"symptom:{symptom}", changed, f"spread:{spread}"]
    return incident(name, *terms, f"origin:{services[0]}", *(f"service:{one}" for one in services))


def test_planted_text_does_not_reach_the_top(memory: Memory) -> None:
    """All words of the query, 500 times, in an old incident of another kind; and in fifty of them."""
    like = incident("q", *BAD_DEPLOY, text="payments fail since noon, customers call", title="payments: high")
    planted = " ".join([like.title, like.text, *like.terms, *(term.split(":")[1] for term in like.terms)])
    liars = [
        incident(f"liar{n}", "origin-symptom:queue", "symptom:queue", text=f"{planted} " * 500)
        for n in range(50)
    ]
    alike = incident("old", "origin-symptom:errors", "symptom:errors", "change:deploy", "service:other")
    memory.put([*liars, alike, *(incident(f"x{n}", f"service:s{n}") for n in range(50))])
    first, second = memory.recall(like, "incident", 2)
    assert first.remembered.id == "old"
    assert second.match < 50 < first.match // 10
    assert second.shared == ()


def test_text_cannot_spell_a_term(memory: Memory) -> None:
    memory.put([incident("liar", text=" ".join(BAD_DEPLOY) * 9), incident("a", *BAD_DEPLOY[:1])])
    assert ids(memory, incident("q", *BAD_DEPLOY[:2])) == ["a", "liar"]
    [found] = memory.recall(incident("q", *BAD_DEPLOY[:2]), "incident", 1)
    assert found.shared == BAD_DEPLOY[:1]


HOSTILE = (
    "", " ", "\x00", "\ud800 lone", "‮desrever", "Ünïcødé 日本語 العربية 🔥", "'; DROP TABLE incidents; --",
    "<script>alert(1)</script>", "{F1.at} [F2]", "../../etc/passwd", "a\n\tb\r\n", "x" * 100_000, "%s %n {0}",
)  # fmt: skip


def test_strange_text_comes_back_as_it_was(memory: Memory) -> None:
    rows = [
        Remembered(
            f"i{n}{text[:50]}", "incident", text, text, ("symptom:errors", f"service:{text}"), text, text
        )
        for n, text in enumerate(HOSTILE)
    ]
    memory.put(rows)
    found = memory.recall(incident("q", "symptom:errors"), "incident", len(rows))
    assert {one.remembered for one in found} == set(rows)
    for row in rows:
        [nearest] = memory.recall(row._replace(id="q"), "incident", 1)
        assert nearest.remembered == row
    memory.forget([row.id for row in rows])
    assert memory.recall(incident("q", "symptom:errors"), "incident", 5) == []


def test_puts_and_recalls_from_several_threads(memory: Memory) -> None:
    """Every recall sees whole things, and in the end all are there."""

    def put(part: int) -> None:
        for number in range(60):
            memory.put([incident(f"p{part}-{number:02}", *BAD_DEPLOY)])

    def recall() -> None:
        while not all(writer.done() for writer in writers):
            for found in memory.recall(incident("q", *BAD_DEPLOY), "incident", 50):
                assert found.remembered == incident(found.remembered.id, *BAD_DEPLOY)

    with ThreadPoolExecutor(5) as pool:
        writers = [pool.submit(put, part) for part in range(3)]
        readers = [pool.submit(recall) for _ in range(2)]
    for done in (*writers, *readers):
        done.result()
    assert len(ids(memory, incident("q", *BAD_DEPLOY), 500)) == 180


_TERMS = st.lists(
    st.sampled_from(
        [f"{name}:{value}" for name in ("symptom", "change", "service", "own") for value in "abc"]
    ),
    max_size=6,
    unique=True,
)
_THINGS = st.lists(
    st.builds(
        Remembered,
        id=st.text(st.characters(codec="utf-8"), max_size=4),
        kind=st.sampled_from(["incident", "runbook"]),
        title=st.sampled_from(["", "payments fail", "slow"]),
        terms=_TERMS.map(tuple),
        text=st.text(max_size=20),
    ),
    max_size=12,
    unique_by=lambda one: one.id,
)


@settings(max_examples=25)
@given(things=_THINGS, data=st.data())
def test_the_order_of_puts_changes_nothing(things: list[Remembered], data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(things))
    like = data.draw(st.sampled_from(things)) if things else incident("q", "symptom:a")
    with tempfile.TemporaryDirectory() as place, ExitStack() as opened:
        edges = [opened.enter_context(closing(EdgeMemory(Path(place) / name))) for name in ("one", "two")]
        memories: list[tuple[Memory, list[Remembered]]] = [
            (InMemory(), things), (InMemory(), shuffled), (edges[0], things), (edges[1], shuffled),
        ]  # fmt: skip
        for memory, order in memories:
            for one in order:
                memory.put([one])
        for kind in ("incident", "runbook"):
            first, *others = [memory.recall(like, kind, 4) for memory, _ in memories]
            assert all(other == first for other in others)
            assert first == rank(
                like, [one for one in things if (one.kind, one.id != like.id) == (kind, True)], 4
            )
            assert all(0 < found.match <= 1000 for found in first)
