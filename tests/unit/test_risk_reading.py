"""What one check reads of YAML: documents that differ, each text once, and what was too much is named."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.risk.assess import assess
from core.risk.change import ChangeSet, TouchedFile
from core.risk.known import Known
from core.risk.policy import Policy
from core.risk.rules.reading import MOST_IN_ALL, current, differing, reading
from core.risk.rules.yamldocs import documents, line_of, map_at
from watchkeeper.risk.judging import unjudged

WEB = """---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 6
  template:
    metadata: {labels: {app: web}}
"""
SERVICE = """---
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  selector: {app: old}
"""


def found(before: str, after: str, path: str = "deploy/all.yaml") -> list[tuple[str, int]]:
    change = ChangeSet(files=(TouchedFile(path, "modified", before=before, after=after),))
    made = assess(change, Known(), Policy())
    return [(one.rule, one.line) for one in made.matches]


def test_only_documents_that_differ_are_read_and_lines_stay() -> None:
    same = "".join(WEB.replace("web", f"web-{number}") for number in range(50))
    before, after = same + WEB, same + WEB.replace("replicas: 6", "replicas: 1")
    old, new = differing(before, after)
    assert old is not None and new is not None  # noqa: PT018 - both sides are there
    assert new.count("\n") == after.count("\n")
    assert len(new) - new.count("\n") < 400
    assert line_of(map_at((documents(new) or [])[-1], "spec"), "replicas") == 50 * 8 + 6
    assert ("k8s-replicas-down", 50 * 8 + 6) in found(before, after)


def test_documents_may_change_their_places() -> None:
    other = WEB.replace("web", "other")
    assert found(WEB + other, other + WEB) == []
    assert ("k8s-replicas-down", 14) in found(WEB + other, other + WEB.replace("6", "1"))


def test_what_stays_as_it_was_is_looked_at_where_it_counts() -> None:
    """A service that turns to pods beside it; a route that stands in another object."""
    moved = SERVICE.replace("old", "web")
    assert "k8s-service-target" not in {rule for rule, _ in found(WEB + SERVICE, WEB + moved)}
    gone = SERVICE.replace("old", "nobody")
    assert "k8s-service-target" in {rule for rule, _ in found(WEB + SERVICE, WEB + gone)}
    route = "---\napiVersion: v1\nkind: Ingress\nmetadata: {name: NAME}\nspec:\n  rules:\n"
    row = "  - {host: a.example, http: {paths: [{path: /pay}]}}\n"
    one, two = route.replace("NAME", "one"), route.replace("NAME", "two")
    assert "k8s-route-removed" not in {rule for rule, _ in found(one + row + two + row, one + two + row)}
    assert "k8s-route-removed" in {rule for rule, _ in found(one + row + two, one + two)}


def test_settings_of_documents_keep_their_names() -> None:
    first = "timeout: 100\n---\nother: 1\n"
    after = first.replace("100", "1") + "---\nmore: 1\n"
    assert [rule for rule, _ in found(first, after, "config/app.yaml")] == ["config-limit-changed"]
    beside = "---\na: 1\n---\ntimeout: 100\n"
    after = beside.replace("100", "1") + "---\nmore: 1\n"
    assert found(beside, after, "config/app.yaml") == [("config-limit-changed", 4)]


def test_a_text_is_read_once_within_a_check() -> None:
    assert current() is None
    assert documents("a: 1") is not documents("a: 1")
    with reading() as now:
        assert documents("a: 1") is documents("a: 1")
        assert current() is now
    assert current() is None


def test_what_is_beyond_is_none_and_named() -> None:
    with reading(most=10) as now:
        assert documents("a: 1\n\n\n\n\n\n\n\n\n") == [{"a": 1}]
        assert documents("b: 123456") is None
        assert now.left_out("b: 123456", None)
        assert not now.left_out("a: 1", None)
    with reading(most=10) as now:
        old, new = differing("---\na: 123456789\n---\nb: 1\n", "---\na: 987654321\n---\nb: 1\n")
        assert documents(old) is None
        assert new is not None
        assert now.left_out("---\na: 123456789\n---\nb: 1\n", "---\na: 987654321\n---\nb: 1\n")


def test_a_check_names_the_files_that_were_too_much() -> None:
    body = "".join(f"key{number}: {'x' * 900}\n" for number in range(1_000))
    many = MOST_IN_ALL // len(body) + 3
    files = tuple(
        TouchedFile(f"config/{number:02}.yaml", "added", after=f"n: {number}\n{body}")
        for number in range(many)
    )
    change = ChangeSet(files=files)
    made = assess(change, Known(), Policy())
    assert made.unread[-1] == f"config/{many - 1}.yaml"
    assert len(made.unread) < 6
    [match] = [one for one in made.matches if one.rule == "risk-file-cut"]
    assert match.path == made.unread[0]
    [words] = [one for one in unjudged(change, made) if "More YAML" in one]
    assert made.unread[0] in words


@pytest.mark.parametrize("text", ["%YAML 1.2\n---\na: 1\n---\nb: 1\n", "a: 1\n---\n%x\n", "a: 1", ""])
def test_what_cannot_be_taken_apart_stays_whole(text: str) -> None:
    changed = text.replace("a: 1", "a: 2")
    assert differing(text, changed) == (text, changed)


PARTS = st.lists(
    st.sampled_from(["a: 1\n", "b: [1,\n 2]\n", "c: |\n  ---\n  x\n", "# d\n", "", "e: 'x\n", "- 1\n"])
)


@given(PARTS, PARTS)
def test_what_is_left_has_the_same_lines_and_documents(old: list[str], new: list[str]) -> None:
    before, after = ("---\n" + "---\n".join(parts) for parts in (old, new))
    sides = differing(before, after)
    for whole, part in zip((before, after), sides, strict=True):
        assert part is not None
        assert part.count("\n") == whole.count("\n")
        rows = zip(whole.split("\n"), part.split("\n"), strict=True)
        assert all(left in ("", "---", line) for line, left in rows)
        read, left = documents(whole), documents(part)
        if read is not None and left is not None:
            assert [one for one in left if one is not None] == [
                one for one, here in zip(read, left, strict=True) if here is not None
            ]
