"""Timeouts and retries that leave a call, errors that pass in silence: places, levels, what is left alone."""

from __future__ import annotations

import pytest

from core.risk.known import Known
from core.risk.rules.code.failures import rules
from core.risk.rules.rule import Match
from evals.risk.corpus import Case, CaseFile, change_of


def found(before: str, after: str, path: str = "shop/a.py") -> list[Match]:
    change = change_of(Case("x", True, (), (CaseFile(path, before, after),)))
    return [match for rule in rules for match in rule.find(change, Known())]


CALL = "a = stock.get(U, timeout=5)\n"
BARE = "a = stock.get(U)\n"


def test_two_places_weigh_more_than_one() -> None:
    [one] = found(CALL, BARE)
    assert (one.rule, one.level, one.path, one.line) == ("code-timeout-removed", "low", "shop/a.py", 0)
    assert one.evidence == CALL.strip()
    two = found(CALL + "b = axios.post(V, x, timeout=9)\n", BARE + "b = axios.post(V, x)\n")
    assert [match.level for match in two] == ["medium", "medium"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("r = session.get(\n    url,\n    timeout=5,\n)\n", "r = session.get(\n    url,\n)\n"),
        (CALL, "a = stock.get(U, timeout=None)\n"),
        ("c = Client(max_retries=3)\n", "c = Client()\n"),
        ("x = call(u, connect_timeout=2, tries=1)\n", "x = call(u, tries=1)\n"),
        ("x = call(timeout=2, u=1)\n", "x = call(u=1)\n"),
        (CALL, BARE + "c = client.post(W, timeout=2)\n"),
    ],
)
def test_a_call_that_loses_it(before: str, after: str) -> None:
    assert [match.rule for match in found(before, after)] == ["code-timeout-removed"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (CALL, ""),
        (CALL, "a = stock.get(U, timeout=7)\n"),
        ("# " + CALL, "# " + BARE),
        ("def get(u, timeout=5):\n", "def get(u):\n"),
        ("timeout = 5\nx = 1\n", "x = 1\n"),
        ("interface A {\n  timeout: number;\n}\n", "interface A {\n}\n"),
        ("a = get(U, timeout=None)\n", "a = get(U)\n"),
        (CALL, "s = Session(timeout=5)\n" + BARE),
        ("x = 1\n" + CALL, CALL + "x = 1\n"),
        ("setTimeout(f, 5)\n", "f()\n"),
        ("if timeout == 5:\n    f()\n", "f()\n"),
    ],
)
def test_what_is_no_loss(before: str, after: str) -> None:
    assert found(before, after) == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a = requests.get(U, timeout=5)\n", "a = requests.get(U)\n"),
        (CALL, "a = stock.get(U, timeout=None)\n"),
        ("c = New(timeout: 9000)\n", "c = New(timeout: Infinity)\n"),
        ("c := http.Client{Timeout: t}\n", "c := http.Client{}\n"),
    ],
)
def test_one_that_waits_for_ever_weighs_more(before: str, after: str) -> None:
    assert [match.level for match in found(before, after)] == ["medium"]


def test_only_code_that_runs() -> None:
    assert found(CALL, BARE, "tests/test_a.py") == []
    assert found(CALL, BARE, "docs/a.md") == []


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("try:\n    f()\nexcept Exception as e:\n    pass  # never mind\n", 3),
        ("try:\n    f()\nexcept (BaseException): ...\n", 3),
        ("with contextlib.suppress(Exception):\n    f()\n", 1),
        ("try { f() } catch {}\n", 1),
        ("x = f rescue nil\n", 1),
        ("try {\n    f()\n} catch (IOException e) {\n    // often\n}\n", 3),
    ],
)
def test_silence_that_is_new(text: str, line: int) -> None:
    [match] = found("", text)
    assert (match.rule, match.level, match.line) == ("code-error-swallowed", "low", line)


@pytest.mark.parametrize(
    "text",
    [
        "try:\n    f()\nexcept KeyError:\n    pass\n",
        "try:\n    f()\nexcept Exception:\n    return 0\n",
        "try { f() } catch (e) { log(e) }\n",
        "try { f() } catch (_) {}\n",
        "with suppress(KeyError):\n    f()\n",
        "# except Exception: pass\n",
    ],
)
def test_what_is_not_silent(text: str) -> None:
    assert found("", text) == []


def test_what_was_there_before_is_not_new() -> None:
    text = "try:\n    f()\nexcept Exception:\n    pass\n"
    assert found(text, "x = 1\n" + text) == []
    assert found(text, "if y:\n" + "".join(f"    {line}\n" for line in text.splitlines())) == []


def test_long_lines_end() -> None:
    for text in ("timeout=" * 250, "catch (" * 280, "except" + " " * 1_990, "@retry" * 300, "," * 2_000):
        assert len(found(text + "\n", "x = 1\n") + found("", text + "\n")) <= 1
