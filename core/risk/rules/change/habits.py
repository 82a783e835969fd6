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
from core.risk.telling import lasting

_ENOUGH_LINES = 20
_MOST_TEXT = 65_536
# Lines of what is said that are looked at, and signs of each.
_MOST_SAID, _LONGEST_SAID = 2_000, 1_000
_BACK = r"roll(?:ed|ing|s)?[ -]?back|revert|undo|back[ -]?out|way back|restor|down[ -]migration|downgrade"
_WAY_BACK = re.compile(_BACK, re.I)
# Nobody knows, or there is none.
_DENIED = re.compile(
    r"\b(?:no|not|never|without|cannot|can't|won't|impossible|irreversible|tbd|tba|todo|tbc|none|n/?a|unknown"
    r"|unclear|later|\?{1,9})(?!\w)|\?\s{0,9}$",
    re.I,
)
# How: a command, or what is done with what.
_HOW = re.compile(
    r"`[^`]{3,200}`|\b(?:git|helm|kubectl|argocd|terraform|flyway|alembic|liquibase|rails|rake|manage\.py|psql"
    r"|pg_restore|mysql|make|npm|npx|knex|prisma|downgrade|undeploy|redeploy|re-?run|re-?apply|re-?deploy)\b"
    r"|\b(?:revert|undo|restor\w{1,3}|roll(?:ing|ed)?[ -]?back|back[ -]?out|drop|re-?create|switch|turn|flip"
    r"|toggle|disable|enable|deploy|run|apply|add|copy|keep|rename|set|point)\b"
    r"\W{1,3}(?:\w{1,40}\W{1,3}){0,6}"
    r"(?:commit|pr|pull request|change|flag|switch|toggle|back-?up|snapshot|dump|migration|version"
    r"|release|image|tag|column|table|index|constraint|chart|revision|script|step|copy|state|manifest|deploy\w{0,6}"
    r"|down|off|replica|trigger|view)s?\b",
    re.I,
)
_RETURN = re.compile(r"\s*(?:revert:? [\"']?(?:re)?revert\b|reapply [\"']|re-?revert\b|unrevert\b)", re.I)
# What neither the old program nor a revert of the change undoes: data that is gone or written in another
# form, things that are made anew under another identity.
_LASTING = frozenset({
    "sql-column-type", "tf-store-renamed", "tf-state-moved", "cloud-data-replaced",
    "compose-store-major", "tf-engine-major", "k8s-immutable-field", "argo-prunes-moved",
    "script-empties-store", "script-deletes-all",
})  # fmt: skip
# Another program's findings are of many kinds.
_DESTROYS = re.compile(r"\b(?:drop|truncate|delete|rename|alter\s+column\b.{0,200}\btype)\b", re.IGNORECASE)


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
    lasting = [
        name for name, level in known.matched.items() if level in ("high", "critical") and _lasts(name, known)
    ]
    if lasting and not _says_how(change.description):
        what = "Going back does not bring this back, and nothing says what does."
        clears = (
            "Say in the description how to roll back (a command, a flag, what is restored), and until when"
        )
        places = [known.places.get(name, ("", 0, "")) for name in sorted(lasting)]
        path, line, shown = next((one for one in places if one[0]), places[0])
        more = f" (and {len(lasting) - 1} more)" if len(lasting) > 1 else ""
        yield Match("no-way-back", "low", what, clears, path, line, quoted(f"{shown}{more}" if shown else ""))


def _lasts(rule: str, known: Known) -> bool:
    if rule == "squawk":
        return _DESTROYS.search(known.places.get(rule, ("", 0, ""))[2]) is not None
    return rule in _LASTING or lasting(rule)


def _says_how(description: str) -> bool:
    """Whether a line speaks of the way back and says how it goes, or the lines that follow it do, such as the
    commands below a heading. A line that denies it says nothing."""
    lines = [line[:_LONGEST_SAID] for line in description[:_MOST_TEXT].split("\n")[:_MOST_SAID]]
    left = 0
    for line in lines:
        about = _WAY_BACK.search(line) is not None
        left = 6 if about else left - bool(line.strip())
        if (about or left > 0) and _HOW.search(line) and not _DENIED.search(line):
            return True
    return False


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
