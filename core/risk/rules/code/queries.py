"""SQL that is glued together from values, where parameters stood, or with quotes round what comes in.

Names of tables in a constant, and templates that make parameters of what is in them, are no such thing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from core.risk.beside import is_code
from core.risk.change import ChangeSet, TouchedFile
from core.risk.rules.code.hunks import Hunk, hunks, mentions, says_nothing
from core.risk.rules.rule import Level, Match
from core.risk.rules.touched import finder, judged, rules_of, shown

_SQL = finder(
    r"\bSELECT\b.{1,400}\bFROM\b|\bINSERT\s{1,3}INTO\b|\bUPDATE\s{1,3}[\w.\"`$:{}]{1,80}\s{1,3}SET\b"
    r"|\bDELETE\s{1,3}FROM\b"
    r"|\bWHERE\b|\bVALUES\s{0,3}\(|\bAND\b.{0,80}\b(?:=|I?LIKE)|\bI?LIKE\b|\bSELECT\b|\bORDER\s{1,3}BY\b"
    r"|\bFROM\b.{1,80}\bWHERE\b"
)
_VERB = re.compile(
    r"\b(?:SELECT\b.{0,600}\bFROM|INSERT\s+INTO|UPDATE\b.{0,200}\bSET|DELETE\s+FROM|WHERE|VALUES\s*\()",
    re.I | re.S,
)
# A constant by its name, a number by its making, or what was made safe.
_SAFE = (
    r"(?!\s{0,3}(?:(?-i:[A-Z][A-Z0-9_]{1,60})\b|(?:int|float|Number|parseInt|parseFloat|len|Integer"
    r"|escape\w{0,20}|quote\w{0,20}"
    r"|sanitize\w{0,20}|\w{0,20}placeholder\w{0,20}|\w{1,20}\.(?:escape|quote|literal|identifier|join|raw"
    r"|sql)\w{0,20})\b))"
)
_BEFORE = r"(?:=|<>|!=|<|>|\bI?LIKE|\bIN\s{0,3}\(|\bVALUES\s{0,3}\((?:[^()]{0,200},)?|\bBETWEEN|\bAND)\s{0,3}"
_INTO = re.compile(
    # JS and TS, PHP and Kotlin, Ruby, Python and C#.
    rf"{_BEFORE}\\?['\"]{{0,2}}%?(?:\$\{{{_SAFE}|#\{{{_SAFE}|\{{\$|\${_SAFE}(?![\d$]"
    rf"|(?-i:[A-Z_]{{2}}))[a-z_]\w{{0,40}}(?:\W|$))"
    # Glued with + . or ||, after a quote that ends.
    rf"|{_BEFORE}\\?'?%?[\"'`]\s{{0,3}}(?:\+|\.(?=\s?\$)|\.\.)\s{{0,3}}{_SAFE}[A-Za-z_$(]",
    re.IGNORECASE,
)
_BRACED = re.compile(
    rf"(?:\bf|\$@?|@\$|\brf|\bfr)(?:\"\"\"|\"|'''|')(?:[^\n]{{0,600}}?){_BEFORE}'?%?\{{{_SAFE}(?!\{{)",
    re.IGNORECASE,
)
_FORMATTED = re.compile(
    rf"(?:Sprintf|String\.format|sprintf|format!|fmt\.Sprint\w?)\(.{{0,400}}{_BEFORE}'?%?(?:%[sdvq]|\{{\}})"
    rf"|{_BEFORE}'?%?(?:%s|%d|\{{\w{{0,30}}\}})[^\n]{{0,200}}[\"']{{1,3}}\s{{0,3}}(?:%\s{{0,3}}[\w(]"
    rf"|\.format\()",
    re.IGNORECASE,
)
_QUOTED = re.compile(
    r"'%?(?:\$\{|#\{|\{\$|\{[a-z_]|\$[a-z_])(?!(?-i:[A-Z][A-Z0-9_]{1,60})\b)|(?:="
    r"|LIKE)\s{0,3}'%?[\"`]\s{0,3}[+.]|'%[sv]%?'|'\{\}'",
    re.I,
)
_PARAMETERS = re.compile(
    r"\$\d{1,2}\b|[=(,<>]\s{0,3}\?|\bI?LIKE\s{1,3}\?|%s\b.{0,300}[\"']\s{0,3},|%\(\w{1,40}\)s"
    r"|[=(,<>\s]:[a-z_]\w{0,40}\b|[=(,<>\s]@[a-z]\w{0,40}\b"
    r"|\bLIKE\s{1,3}[$:@%]",
    re.IGNORECASE,
)
_TAGGED = finder(
    r"\b(?:sql|SQL|Prisma\.sql|queryRaw|executeRaw|psql|pgsql)(?:<[^>]{0,60}>)?\s{0,3}`"
    r"|\bFromSql(?:Interpolated)?\(|\bExecuteSql(?:Interpolated)?(?:Async)?\("
    r"|\bsqlu?\"|\bfr?\"{3}|\bSqlQuery\(\s{0,3}\$|sqlx::query!"
)
_TALKS = finder(
    r"\b(?:log|logger|logging|print|println|console|raise|throw|Error|Exception|assert|warn|puts|Errorf"
    r"|fatal)\w{0,10}\b\s{0,3}[.(]|\bthrow\b|\braise\b"
)
_WORDS = ("select", "insert", "update", "delete", "where")
_MOST = 4_000

_BUILT = "A value is glued into this SQL: who can choose it can read, change or delete what they like."
_CLEARS = (
    "Give it as a parameter ($1, ?, :name, %s with a second argument), and the database will not take it "
    "for SQL."
)


def _matches(change: ChangeSet) -> Iterator[Match]:
    for file in judged(change, is_code, gone=False):
        for hunk in hunks(file):
            yield from _built(file, hunk)


def _built(file: TouchedFile, hunk: Hunk) -> Iterator[Match]:
    if not mentions(hunk.added, _WORDS):
        return
    was = _joined([line.text for line in hunk.removed])
    now = _joined([line.text for line in hunk.added])
    if _VERB.search(now) is None or _TAGGED(now) is not None:
        return
    replaces = _VERB.search(was) is not None and _PARAMETERS.search(was) is not None
    already = any(_glued(line.text) for line in hunk.removed)
    for line in hunk.added:
        if already or says_nothing(line.text) or not _glued(line.text):
            continue
        if replaces or (_QUOTED.search(line.text) and _VERB.search(line.text)):
            level: Level = "high" if replaces else "medium"
            text = shown(line.text)
            yield Match("code-sql-built", level, _BUILT, _CLEARS, file.path, line.number, text)
            return


def _joined(lines: list[str]) -> str:
    return "\n".join(text for text in lines if not says_nothing(text))[:_MOST]


def _glued(text: str) -> bool:
    """Whether a line of SQL has a value in it that is no parameter."""
    found = _SQL(text)
    if found is None or _TALKS(text):
        return False
    if _INTO.search(text, found.start()):
        return True
    return _BRACED.search(text) is not None or _FORMATTED.search(text) is not None


_rule = rules_of(_matches, lambda path: False)

rules = (
    _rule(
        "code-sql-built",
        "SQL is made of values",
        "One request then reads or deletes all there is: injection is among the oldest causes of lost data.",
        "CWE-89, SQL injection: https://cwe.mitre.org/data/definitions/89.html",
    ),
)
