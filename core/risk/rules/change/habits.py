"""Habits that go with changes that hurt: untested code, no way back, a return of what was taken back.

What people write in titles and descriptions is only ever worth the lowest level: words decide nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from core.risk.beside import is_code, tests_of
from core.risk.change import ChangeSet
from core.risk.known import Known
from core.risk.paths import is_test
from core.risk.rules.rule import Match, RiskRule, quoted

_ENOUGH_LINES = 20
_MOST_TEXT = 65_536
_WAY_BACK = re.compile(
    r"roll(?:ed|ing)?[ -]?back|rolls back|revert|undo|back[ -]?out|way back|restore|down[ -]migration", re.I
)
_RETURN = re.compile(r"\s*(?:revert:? [\"']?(?:re)?revert\b|reapply [\"']|re-?revert\b|unrevert\b)", re.I)
# What a new deployment of the old program does not undo: schemas, data, infrastructure.
_LASTING = re.compile(r"(?:sql|tf|k8s|helm)-|squawk$")


def _untested(change: ChangeSet, known: Known) -> Iterator[Match]:
    if any(is_test(file.path) for file in change.files):
        return
    tests = [path for path in known.beside if is_test(path)]
    left = [
        (file, found)
        for file in change.files
        if is_code(file.path) and file.status != "deleted" and (found := list(tests_of(file.path, tests)))
    ]
    if left and sum(file.insertions for file, _ in left) >= _ENOUGH_LINES:
        first, found = left[0]
        more = f" and {len(left) - 1} more" if len(left) > 1 else ""
        said = f"{quoted(first.path)}{more} change and their tests do not."
        clears = f"Add to {quoted(found[0])} what fails without the change"
        yield Match("untested", "low", said, clears, first.path, 0, quoted(", ".join(found[:5])))


def _no_way_back(change: ChangeSet, known: Known) -> Iterator[Match]:
    said = f"{change.title}\n{change.description}"[:_MOST_TEXT]
    lasting = [
        name
        for name, level in known.matched.items()
        if level in ("high", "critical") and _LASTING.match(name) is not None
    ]
    if lasting and _WAY_BACK.search(said) is None:
        what = "The old version of the program does not undo this change, and nothing says what does."
        clears = "Say in the description how to roll back, and until when one can"
        yield Match("no-way-back", "low", what, clears, "", 0, quoted(", ".join(sorted(lasting))))


def _returned(change: ChangeSet, known: Known) -> Iterator[Match]:
    titles = (change.title, *(commit.subject for commit in change.commits))
    again = next((title for title in titles if _RETURN.match(title[:300])), None)
    if again is not None:
        said = "It brings back a change that was taken back once."
        clears = "Say in the description why it was taken back, and what is different now"
        yield Match("reverted-before", "low", said, clears, "", 0, quoted(again[:300]))


rules = (
    RiskRule(
        "untested",
        "Code changes and its tests do not",
        "The tests are there, and nothing of what is new is in them.",
        "Google Engineering Practices, What to look for in a code review: Tests, "
        "https://google.github.io/eng-practices/review/reviewer/looking-for.html",
        _untested,
    ),
    RiskRule(
        "no-way-back",
        "A lasting change without a way back",
        "Going back is what ends most incidents; here it has to be planned.",
        "Google SRE Book, Release Engineering and Emergency Response, https://sre.google/sre-book/emergency-response/",
        _no_way_back,
        late=True,
    ),
    RiskRule(
        "reverted-before",
        "A change that was taken back returns",
        "It was taken back for a reason.",
        "Shimagaki et al., Why are commits being reverted?, ICSME 2016, https://doi.org/10.1109/ICSME.2016.83",
        _returned,
    ),
)
