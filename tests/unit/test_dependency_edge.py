"""Rule dependency-edge: who suffers from whom, which way trouble goes, and what gathers its callers."""

from __future__ import annotations

import random
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.correlation.dependency_edge import looks, spots
from core.correlation.paths import Path, Paths
from core.model.catalogue import Neighbours, parse_catalogue
from core.model.entity import Entity
from core.rules.linking import DependencyEdge
from tests.timeline import SHOP, Timeline, alert, groups

DOWN, ERRORS, QUIET, LATE = "InstanceDown", "HighErrorRatio", "NoRequestsReceived", "KubePodNotReady"
MANY = 60


def together(first: tuple[str, str], second: tuple[str, str], gap: float, catalogue: str = SHOP) -> bool:
    t = Timeline(catalogue)
    t.push(0, alert(*first))
    t.push(gap, alert(*second, starts=gap))
    return len(t.incidents()) == 1


@pytest.mark.parametrize(
    ("first", "second", "within"),
    [
        pytest.param(("payments", ERRORS), ("checkout", ERRORS), 70, id="callee first"),
        pytest.param(("checkout", ERRORS), ("payments", ERRORS), 15, id="caller first"),
        pytest.param(("checkout", ERRORS), ("payments", DOWN), 70, id="a cause that is told late"),
        pytest.param(("ledger", ERRORS), ("checkout", ERRORS), 40, id="through another"),
        pytest.param(("checkout", ERRORS), ("payments", QUIET), 40, id="requests stop below"),
        pytest.param(("payments", QUIET), ("cart", QUIET), 40, id="requests stop beside"),
        pytest.param(("payments", DOWN), ("checkout", QUIET), 70, id="requests stop above a cause"),
    ],
)
def test_who_is_first_says_how_long(first: tuple[str, str], second: tuple[str, str], within: int) -> None:
    assert together(first, second, within)
    assert not together(first, second, within + 1)


BOTH_NEED = "services:\n  - {name: a, depends_on: [db]}\n  - {name: b, depends_on: [db]}\n  - {name: db}\n"


@pytest.mark.parametrize(
    ("one", "other", "joined"), [(ERRORS, ERRORS, True), (DOWN, DOWN, True), (DOWN, ERRORS, False)]
)
def test_what_both_need_joins_them_though_it_is_silent(one: str, other: str, joined: bool) -> None:
    assert together(("a", one), ("b", other), 40, BOTH_NEED) == joined


def test_a_common_caller_joins_nothing() -> None:
    assert not together(("payments", DOWN), ("cart", DOWN), 0)
    assert not together(("payments", ERRORS), ("cart", ERRORS), 0)
    assert not together(("ledger", DOWN), ("search-index", DOWN), 30)


def test_what_kubernetes_tells_late_joins_its_own_service_alone() -> None:
    assert not together(("payments", LATE), ("checkout", ERRORS), 10)
    assert together(("payments", LATE), ("payments", ERRORS), 10)


def hub(callers: int = MANY) -> str:
    rows = [f"  - {{name: app{number}, depends_on: [db]}}\n" for number in range(callers)]
    return "services:\n  - {name: db}\n" + "".join(rows)


def test_a_cause_gathers_its_callers_however_many() -> None:
    t = Timeline(hub())
    t.push(0, alert("db", "PostgresDown"))
    for number in range(MANY):
        t.push(3 * number + 1, alert(f"app{number}", starts=3 * number + 1))
    [incident] = t.incidents()
    assert len(incident["alerts"]) == MANY + 1
    assert incident["origin"]["service"] == "db"
    said = {row["summary"].partition(": ")[2] for row in incident["why"]["children"][0]["children"][1:]}
    assert "app0 calls db, which is in trouble itself" in said


def test_a_cause_that_is_heard_last_gathers_what_began_before_and_after() -> None:
    t = Timeline(hub())
    for start in (0, 90, 130, 249):
        t.push(start, alert(f"app{start % 7}", starts=start, pod=str(start)))
    assert len(t.incidents()) == 4
    t.push(300, alert("db", "PostgresDown", starts=70))
    assert len(t.incidents()) == 1
    t.push(301, alert("app50", starts=251))
    assert len(t.incidents()) == 2


def test_an_effect_on_what_too_many_call_gathers_nothing() -> None:
    t = Timeline(hub())
    t.push(0, alert("db", ERRORS))
    t.push(1, alert("app1", starts=1), alert("app2", starts=1))
    assert len(t.incidents()) == 3


NAMES = (DOWN, ERRORS, QUIET, LATE, "DiskFull", "CertificateExpiresSoon")
LINE = (
    "services:\n  - {name: a, depends_on: [b, c]}\n  - {name: b, depends_on: [d]}\n"
    "  - {name: c, depends_on: [d, a]}\n  - {name: d}\n" + hub(52).removeprefix("services:\n")
)
SERVICES = ("a", "b", "c", "d", "db", "app0", "app1")
ALERTS = st.lists(
    st.tuples(st.sampled_from(SERVICES), st.sampled_from(NAMES), st.integers(0, 300)),
    min_size=2,
    max_size=12,
    unique=True,
)


@settings(max_examples=60, deadline=None)
@given(ALERTS, st.randoms(use_true_random=False))
def test_the_order_in_which_alerts_are_heard_changes_nothing(
    told: list[tuple[str, str, int]], rng: random.Random
) -> None:
    found = set()
    for _ in range(3):
        t = Timeline(LINE)
        for number, (service, name, start) in enumerate(told):
            t.push(400 + number, alert(service, name, starts=start, pod=f"{start}"))
        found.add(frozenset(groups(t.incidents())))
        rng.shuffle(told)
    assert len(found) == 1


@settings(max_examples=60, deadline=None)
@given(ALERTS)
def test_a_link_holds_from_either_end(told: list[tuple[str, str, int]]) -> None:
    t = Timeline(LINE)
    for service, name, start in told:
        t.push(400, alert(service, name, starts=start, pod=f"{start}"))
    world = t.engine.world

    def sees(a: str, b: str) -> bool:
        one, other = world.state.episodes[a], world.state.episodes[b]
        held = {key for key, _ in spots(world, other)}
        near = [*looks(world, one)]
        near += [(key, one.starts_at - w, one.starts_at + w) for key, w in spots(world, one) if w >= 0]
        return any(key in held and low <= other.starts_at <= high for key, low, high in near)

    for a, b in combinations(world.state.episodes, 2):
        assert sees(a, b) == sees(b, a)


RULE = DependencyEdge(
    rule="dependency-edge", summary="", windows=("70s", "40s"), max_dependants=3, max_reach=4
)


def paths(text: str) -> Paths:
    catalogue = parse_catalogue(text)
    graph: Neighbours = catalogue.graph(Entity("d", "", "", "a"))
    return Paths(graph, RULE)


def test_paths_say_who_calls_whom_and_what_both_need() -> None:
    found = paths(BOTH_NEED)
    assert found.between("a", "db") == Path("db", 1, 0, 0, 1)
    assert found.between("db", "a") == Path("a", 0, 1, 0, 1)
    assert found.between("a", "b") == Path("b", 0, 0, 2, 2)
    assert found.shared("a", "b") == "db"


def test_beyond_the_cap_no_path_is_followed() -> None:
    found = paths(hub(4))
    assert found.is_hub("db")
    assert found.near("db") == []
    assert found.near("app1") == []
    assert found.hubs("app1") == ["db"]
