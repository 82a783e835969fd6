"""Calls that delete or change rows of a table and have lost what chose them.

Only where the same rows were chosen before in the same place: an emptying that is new is somebody's wish.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from core.risk.beside import is_code
from core.risk.change import ChangeSet, TouchedFile
from core.risk.rules.code.hunks import Hunk, hunks, mentions, says_nothing, texts
from core.risk.rules.rule import Match
from core.risk.rules.touched import finder, judged, rules_of, shown

_MODEL = r"((?:[A-Z]\w{0,60}(?:\.|::)){0,5}[A-Z]\w{0,60})"
_ALL = (
    # Ecto
    re.compile(rf"\b\w{{0,20}}Repo\.(?:delete_all|update_all)\(\s{{0,3}}{_MODEL}\s{{0,3}}[,)]"),
    re.compile(rf"(?<![\w.]){_MODEL}\)?\s{{0,9}}\|>\s{{0,3}}\w{{0,20}}Repo\.(?:delete_all|update_all)\b"),
    # Rails
    re.compile(
        rf"(?<![\w.:])(?!\w{{0,20}}Repo\.){_MODEL}\.(?:all\.)?(?:delete_all|destroy_all|update_all)\b"
    ),
    # Django, SQLAlchemy
    re.compile(rf"(?<![\w.]){_MODEL}\.objects\.all\(\)\.(?:delete|update)\("),
    re.compile(rf"\.query\(\s{{0,3}}{_MODEL}\s{{0,3}}\)\.(?:delete|update)\("),
    re.compile(rf"\b(?:delete|update)\(\s{{0,3}}{_MODEL}\s{{0,3}}\)\s{{0,3}}(?:\)|\.values\(|$)"),
    # Laravel
    re.compile(rf"(?<![\w\\]){_MODEL}::(?:query\(\)->)?(?:truncate|delete|update)\("),
    re.compile(r"\bDB::table\(\s{0,3}[\"'](\w{1,60})[\"']\s{0,3}\)->(?:truncate|delete|update)\("),
    # Prisma, Mongoose, Sequelize, TypeORM
    re.compile(
        r"\b(\w{1,60})\.(?:deleteMany|updateMany"
        r"|remove)\(\s{0,3}(?:\{\s{0,3}(?:where:\s{0,3}\{\s{0,3}\}\s{0,3})?\}\s{0,3})?\)"
    ),
    re.compile(
        rf"(?<![\w.]){_MODEL}\.destroy\(\s{{0,3}}\{{\s{{0,3}}(?:where:\s{{0,3}}\{{\s{{0,3}}\}}|truncate:\s{{0,3}}true)"
    ),
    # Entity Framework, Spring Data
    re.compile(r"\b\w{1,40}\.([A-Z]\w{1,60})\.Execute(?:Delete|Update)(?:Async)?\("),
    re.compile(r"\b(\w{1,60}[Rr]epo(?:sitory)?)\.deleteAll(?:InBatch)?\(\)"),
)
_CHOSE = finder(
    r"\bwhere\b|where\w{0,20}\(|\.filter(?:_by)?\(|\.exclude\(|\bdelete\w{0,20}By[A-Z]"
    r"|deleteMany\(\s{0,3}\{\s{0,3}\w"
    r"|\bupdateMany\(\s{0,3}\{\s{0,3}\w"
)
# A choice by another name.
_CHOOSES = finder(
    r"\bwhere\b|where\w{0,20}\(|\.filter(?:_by)?\(|\.exclude\(|\bscope\b|By[A-Z]\w+\(|\bjoin\b"
    r"|\blimit\b"
    r"|\bin_batches\b"
)
_WRITES = finder(
    r"delete_all|update_all|destroy_all|\.(?:delete|update|destroy|deleteMany|updateMany|remove)\("
    r"|\b(?:delete|update)\("
    r"|Execute(?:Delete|Update)|->(?:delete|update)\(|delete\w{0,20}By"
)
_WORDS = ("delete", "update", "destroy", "truncate", "remove(")
_LONGEST, _MOST = 400, 2_000
_ALL_ROWS = "What chose the rows is gone: this deletes or changes every row of {}."
_KEEP = "Keep the condition; to empty a table on purpose, say so in the name and do it by hand."


def _matches(change: ChangeSet) -> Iterator[Match]:
    for file in judged(change, is_code, gone=False):
        if file.removed and mentions(file.added, _WORDS) and mentions(file.removed, _WORDS):
            for hunk in hunks(file):
                yield from _unchosen(file, hunk)


def _unchosen(file: TouchedFile, hunk: Hunk) -> Iterator[Match]:
    was, now = texts(hunk.removed), texts(hunk.added)
    if not any(map(_CHOSE, was)) or not any(map(_WRITES, was)) or any(map(_CHOOSES, now)):
        return
    before = "\n".join(was)[:8_000]
    for at, line in enumerate(hunk.added):
        below = hunk.added[at + 1].text.strip() if at + 1 < len(hunk.added) else ""
        text = f"{line.text.rstrip()} {below}" if below.startswith("|>") else line.text
        text = text[:_LONGEST]
        if at >= _MOST or says_nothing(line.text):
            continue
        found = next((hit for one in _ALL if (hit := one.search(text))), None)
        if found and re.search(rf"\b{re.escape(found[1])}\b", before):
            what = _ALL_ROWS.format(found[1])
            yield Match("code-where-lost", "high", what, _KEEP, file.path, line.number, shown(line.text))
            return


_rule = rules_of(_matches, lambda path: False)

rules = (
    _rule(
        "code-where-lost",
        "Rows are deleted or changed without a condition",
        "One run takes all of them, and only a backup brings them back.",
        "Ecto, Repo.delete_all: https://hexdocs.pm/ecto/Ecto.Repo.html#c:delete_all/2",
    ),
)
