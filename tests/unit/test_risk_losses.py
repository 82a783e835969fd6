"""Guards, transactions, locks, limits and errors that leave code: places, levels, patterns, hostile lines."""

from __future__ import annotations

import pytest

from core.risk.change import ChangeSet, Line, TouchedFile
from core.risk.known import Known
from core.risk.rules.code import access, kept, queries, regexes, retries, together
from core.risk.rules.code.dropped import dropped
from core.risk.rules.code.hunks import declared, hunks
from core.risk.rules.code.regexes import backtracks
from core.risk.rules.rule import Match
from core.risk.rules.settings import browsers
from evals.risk.corpus import Case, CaseFile, change_of

RULES = (
    *access.rules,
    *together.rules,
    *retries.rules,
    *queries.rules,
    *regexes.rules,
    *kept.rules,
    *browsers.rules,
)


def found(*files: tuple[str, str, str]) -> list[Match]:
    change = change_of(Case("x", True, (), tuple(CaseFile(*one) for one in files)))
    return [match for rule in RULES for match in rule.find(change, Known())]


def test_hunks_say_what_took_the_place_of_what() -> None:
    file = change_of(Case("x", True, (), (CaseFile("a.py", "a\nb\nc\nd\ne\n", "a\nB\nB2\nc\ne\n"),))).files[0]
    got = [([line.text for line in one.removed], [line.text for line in one.added]) for one in hunks(file)]
    assert got == [(["b"], ["B", "B2"]), (["d"], [])]


def test_hunks_of_lines_that_no_diff_has_end() -> None:
    file = TouchedFile("a.py", added=(Line(9, "x"), Line(3, "y")), removed=(Line(7, "z"), Line(7, "z")))
    assert sum(len(one.added) + len(one.removed) for one in hunks(file)) == 4


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("    async def a(self):", "a"),
        ("func (c *Cache) Put(k string) {", "Put"),
        ("    public async Task<Result> Get(int id)", "Get"),
        ("export const cart = (id) => {", "cart"),
        ("        raise Refused(x)", ""),
        ("    return f(x)", ""),
        ("  stock.save()", ""),
    ],
)
def test_what_begins_in_a_line(text: str, name: str) -> None:
    assert declared(text) == name


@pytest.mark.parametrize(
    ("pattern", "slow"),
    [
        ("(a+)+", True),
        ("(a|b+)*", True),
        ("([^,]+,?)*", True),
        ("(a{2,})*", True),
        (".*(?:.*=.*)", True),
        (r"(\d+,)*", False),
        ("(a++)+", False),
        ("[(a+)+]", False),
        (r"\(a+\)+", False),
        (r"(\d{1,3}\.){3}", False),
        ("a.*b.*c", False),
    ],
)
def test_patterns_that_take_for_ever(pattern: str, slow: bool) -> None:
    assert backtracks(pattern) is slow


def test_a_guard_that_moves_to_all_routes_is_none_that_left() -> None:
    routes = ("src/routes.ts", 'router.get("/bills", requireAuth, list);\n', 'router.get("/bills", list);\n')
    [match] = found(routes)
    assert (match.rule, match.level, match.line) == ("code-access-opened", "high", 0)
    assert not found(
        routes, ("src/app.ts", 'app.use("/", router);\n', 'app.use("/", requireAuth, router);\n')
    )


def test_a_transaction_that_begins_elsewhere_is_none_that_left() -> None:
    before = "def f(s):\n    with s.begin():\n        s.add(a)\n        s.add(b)\n"
    here = ("pay/a.py", before, "def f(s):\n    s.add(a)\n    s.add(b)\n")
    assert [match.rule for match in found(here)] == ["code-transaction-removed"]
    assert not found(here, ("pay/b.py", "f(s)\n", "with s.begin():\n    f(s)\n"))


def test_a_map_without_its_lock_is_grave_in_go_alone() -> None:
    before = "func Put(k string) {\n\tmu.Lock()\n\tm[k] = 1\n\tmu.Unlock()\n}\n"
    [match] = found(("a.go", before, "func Put(k string) {\n\tm[k] = 1\n}\n"))
    assert match.level == "high"
    [match] = found(("a.py", "with lock:\n    m[k] = 1\n", "m[k] = 1\n"))
    assert match.level == "medium"


def test_new_sql_of_values_weighs_less_than_lost_parameters() -> None:
    glued = "q(f\"SELECT a FROM b WHERE c = '{c}'\")\n"
    [match] = found(("a.py", "x = 1\n", glued))
    assert match.level == "medium"
    [match] = found(("a.py", 'q("SELECT a FROM b WHERE c = %s", (c,))\n', glued))
    assert match.level == "high"


def test_tests_are_left_alone() -> None:
    assert not found(("tests/test_a.py", "x = 1\n", 'R = re.compile("(a+)+")\n'))


def test_hostile_lines_end() -> None:
    parts = (
        "(",
        "(a+)",
        "[",
        "@x.",
        "origin: ",
        "SELECT ",
        "= '",
        "{",
        "require",
        " auth(",
        "\\",
        "return ",
        "%s ",
    )
    lines = tuple(Line(number, part * 2_000) for number, part in enumerate(parts * 20, 1))
    file = TouchedFile("src/a.ts", added=lines, removed=lines[::2] + tuple(Line(999, "x") for _ in range(3)))
    change = ChangeSet(files=(file,))
    # A pattern that tries every way would take hours here.
    matches = [match for rule in RULES for match in rule.find(change, Known())] + list(dropped(file))
    assert all(len(match.evidence) <= 310 for match in matches)
    assert len(matches) < len(lines)
