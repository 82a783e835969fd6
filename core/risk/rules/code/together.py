"""What happens together, or one at a time: transactions and locks that leave code that stays.

What takes the place of one (another transaction, a version, an atomic type, a channel) is none that left.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from core.risk.beside import is_code
from core.risk.change import ChangeSet, Line, TouchedFile
from core.risk.rules.code.hunks import (
    Hunk,
    Sides,
    begun,
    declared,
    hunks,
    lost,
    mentions,
    says_nothing,
    sides,
    texts,
)
from core.risk.rules.rule import Level, Match
from core.risk.rules.touched import finder, judged, rules_of, shown

_ANNOTATED = finder(
    r"^\s{0,80}@(?:\w{1,30}\.){0,2}(?:Transactional\b(?!.{0,200}readOnly\s{0,3}=\s{0,3}true)|atomic\b"
    r"|commit_on_success\b"
    r"|TransactionAttribute\b|UnitOfWork\b)"
)
_TRANSACTION = finder(
    r"\btransaction\.atomic\b|\b(?:async\s{1,3})?with\s{1,3}.{0,80}(?:\.begin(?:_nested)?\("
    r"|\.transaction\(|\.atomic\()"
    r"|\b[\w:]{1,60}\.transaction(?:\(.{0,80}\))?\s{0,3}(?:do\b|\{)|\$transaction\(|\$tx\("
    r"|\.transaction\(\s{0,3}(?:async|func|\(|function|\{)"
    r"|\bBeginTxx?\(|\b(?:db|conn|pool|sql\w{0,10}|client)\.Begin\(|\.Begin(?:Db)?Transaction(?:Async)?\("
    r"|\bnew\s{1,3}TransactionScope\("
    r"|\bDB::(?:begin)?transaction\(|->beginTransaction\(|->(?:wrapInTransaction|transactional)\("
    r"|\bRepo\.trans(?:action|act)\b"
    r"|\b(?:query|execute|exec)\(\s{0,3}[\"'`](?:BEGIN|START TRANSACTION)\b|\btransactionTemplate\b"
    r"|^\s{0,80}(?:newSuspendedT|t)ransaction\s{0,3}(?:\([^)]{0,60}\)\s{0,3})?\{"
    r"|\bsetAutoCommit\(\s{0,3}false|\bMulti\.new\b|\.startTransaction\(|\bstartSession\("
    r"|\bexecutionStrategy\b"
)
_ROW_LOCK = finder(
    r"(?:->|[.\s]){0,3}(?:select_for_update\([^()]{0,80}\)\.?|with_for_update\([^()]{0,80}\)"
    r"|\.lock(?=\.(?:find|where|first|take)\w{0,6}\b)"
    r"|lockForUpdate\(\)|sharedLock\(\)"
    r"|\.lock(?:!|\(\s{0,3}(?:true|[\"']FOR UPDATE[\"'])?\s{0,3}\))(?!\w)"
    r"|setLock\(\s{0,3}[\"']pessimistic_write[\"']\s{0,3}\)"
    r"|\bFOR\s(?:NO\sKEY\s)?UPDATE\b(?:\sNOWAIT)?|clauses?\(\s{0,3}clause\.Locking\{[^}]{0,80}\}\s{0,3}\)"
    r"|,?\s{0,3}\block\s{0,3}:\s{0,3}(?:true|t\.LOCK\.UPDATE|\{\s{0,3}mode:[^}]{0,60}\}"
    r"|[\"']FOR UPDATE[\"']))"
    r"|^\s{0,80}@Lock\(.{0,60}PESSIMISTIC_|LockModeType\.PESSIMISTIC_\w{1,20}|\bwith_lock\b|UPDLOCK"
)
_WRITE = finder(
    r"(?:\.|->|::)(?:save|create|update|delete|insert|destroy|decrement|increment|upsert|persist|remove"
    r"|add|put|merge|set)"
    r"(?:!|_?all|_?many|_?one|async|one|many|bang)?!?\s{0,3}\(|\.(?:save|update|destroy|create)!?(?:\s|$)"
    r"|\b(?:INSERT\s{1,3}INTO|UPDATE\s{1,3}[\w.\"`]{1,60}\s{1,3}SET|DELETE\s{1,3}FROM)\b"
    r"|\b(?:Exec(?:Context)?|ExecuteAsync|SaveChanges(?:Async)?|update!|save!|create!|destroy!)"
)
# What keeps two writers apart without a lock.
_INSTEAD = finder(
    r"\bF\(\s{0,3}[\"']|\bversion\b|\block_version\b|skip\s?_?locked|advisory|\b(?:in"
    r"|de)crement\w{0,10}\b|on_?\s?conflict"
    r"|\b(\w{1,40})\s{0,3}=\s{0,3}\1\s{0,3}[+-]\s{0,3}(?:[$:@?%]|\w{1,30}\s{0,3}WHERE)|serializable"
    r"|compare_?and|if_?match"
    r"|\bupdate_all\b|idempot|unique|findOneAndUpdate|\$inc\b|\bredlock\b|\block\w{0,20}\("
)
_MUTEX = finder(
    r"\.R?Lock\(\)|\bsync\.(?:RW)?Mutex\b|\bsynchronized\b|\bReentrant(?:ReadWrite)?Lock\b"
    r"|\.lock\(\)\s{0,3};|\block\s{0,3}\(\s{0,3}[\w.]{1,60}\s{0,3}\)\s{0,3}\{?\s{0,3}$"
    r"|\bthreading\.R?Lock\(|\basyncio\.Lock\(|\bmultiprocessing\.Lock\(|\bwith\s{1,3}(?:self\."
    r"|cls\.)?\w{0,40}(?:lock|mutex)\b"
    r"|\b(?:std::)?(?:lock_guard|unique_lock|scoped_lock|shared_lock)\b|\bstd::mutex\b|\bMutex\.new\b"
    r"|\.synchronize\b"
    r"|\bSemaphoreSlim\b|\bnew\s{1,3}Mutex\(|\.runExclusive\(|\bMonitor\.Enter\(|\.withLock\b"
)
_TAKES = finder(
    r"\.R?Lock\(\)|\bsynchronized\b|\.lock\(\)\s{0,3};|\block\s{0,3}\(\s{0,3}[\w.]{1,60}\s{0,3}\)"
    r"|\bwith\s{1,3}.{0,40}(?:lock|mutex)\b"
    r"|lock_guard|unique_lock|scoped_lock|\.synchronize\b|\.runExclusive\(|\.WaitAsync\(|\.withLock\b"
    r"|Monitor\.Enter"
)
_SAFE = finder(
    r"\bsync\.(?:Map|Once|Pool)|\batomic\b|\bAtomic\w{2,30}|std::atomic|\bchan\b|<-|\bConcurrent\w{3,30}"
    r"|\bConcurrent::|\bqueue\.|\bQueue\b"
    r"|\bInterlocked\.|singleflight|ContextVar|ThreadLocal|threading\.local|\bImmutable\w{2,30}|\bfrozen"
    r"|\bactor\b|StampedLock"
    r"|CopyOnWrite|synchronized(?:Map|List|Set)\(|\bLazy<|lru_cache|functools\.cache|computeIfAbsent"
    r"|\bvolatile\b|synclock|xsync"
)
_SHARED_WRITE = finder(
    r"\w\[[^\]]{1,80}\]\s{0,3}(?:[+-]|\|\|)?=(?!=)|\bdelete\(|\.(?:append|add|put|push|remove|pop"
    r"|clear)\(|[+-]{2}\s{0,3};?$|[+-]="
)
_ANY_TRANSACTION = finder(r"transaction|\batomic|_tx\b|\b\w{0,20}Tx\(|unit_?of_?work|\bcommit\b")
_FIELD = finder(r"(?:\b(?:self|this|cls)\.|@|\b_)\w{1,60}\s{0,3}(?:[-+*/|]?=(?!=)|\.\w{1,30}\()")
_SIGNS = re.compile(r"[\s.,;`\"'>-]+")
_STARTS = (
    "transact",
    "begin",
    "atomic",
    "commit",
    "unitofwork",
    "$tx",
    "multi.new",
    "startsession",
    "executionstrategy",
)
_WORDS = (*_STARTS, "lock", "update", "mutex", "synchron", "monitor", "semaphore", "runexclusive")
# A map that two write at once ends the process there.
_CRASHES = ".go"

_HALF = (
    "What was written together or not at all may be written in half from now on: the transaction is removed."
)
_ROW = "Two who read this row at once both write it: the lock of the row is removed."
_MEMORY = "Two threads may change this at once from now on: the lock is removed, and nothing takes its place."
_KEEP_TX = "Keep the transaction round everything that belongs together, or say where it begins now."
_KEEP_ROW = "Keep the lock, or write what is compared in one statement (SET left = left - 1 WHERE left > 0)."
_KEEP_MUTEX = "Keep the lock, or use a type that is made for it, and run the tests with the race detector."


def _matches(change: ChangeSet) -> Iterator[Match]:
    judged_files = list(judged(change, is_code, gone=False))
    files = [(file, sides(file)) for file in judged_files if mentions(file.removed, _WORDS)]
    begins = bool(files) and any(
        _begins(line.text) for file in judged_files for hunk in hunks(file) for line in hunk.added
    )
    for file, both in files:
        if file.status == "added" or not both.old:
            continue
        names = begun(file)
        row = _row_lock(file, both, names)
        if not begins:
            yield from _untied(file, both, names, row is not None)
        if row is not None:
            yield Match("code-lock-removed", "high", _ROW, _KEEP_ROW, file.path, 0, shown(row.text))
        else:
            yield from _unlocked(file, both, names)


def _begins(text: str) -> bool:
    low = text.lower()
    return any(word in low for word in _STARTS) and _is_begin(text)


def _is_begin(text: str) -> bool:
    return _TRANSACTION(text) is not None or _ANNOTATED(text) is not None


def _by_a_helper(text: str) -> bool:
    return _ANY_TRANSACTION(text) is not None


def _untied(file: TouchedFile, both: Sides, names: frozenset[str], row: bool) -> Iterator[Match]:
    """A transaction that is gone from code that stays and writes."""
    if both.says(_by_a_helper):
        return
    places = list(hunks(file))
    writes = sum(1 for hunk in places for text in texts(hunk.added) if _WRITE(text))
    # Where none left and none came, they all stand as they stood.
    as_they_were = not writes and not any(_WRITE(line.text) for line in both.old)
    for hunk in places:
        for at, line in enumerate(hunk.removed):
            if says_nothing(line.text) or not _begins(line.text):
                continue
            if _ANNOTATED(line.text):
                stays = _below_stays(hunk, at, names)
            else:
                stays = not lost(hunk, names) and (writes >= 2 or row or as_they_were)
            if stays:
                seen = writes >= 2 and not _ANNOTATED(line.text)
                grave: Level = "high" if seen or row else "medium"
                yield Match(
                    "code-transaction-removed", grave, _HALF, _KEEP_TX, file.path, 0, shown(line.text)
                )
                return


def _below_stays(hunk: Hunk, at: int, names: frozenset[str]) -> bool:
    """Whether what an annotation stands on is there after the change."""
    below = [
        line.text
        for line in hunk.removed[at + 1 :]
        if not says_nothing(line.text) and not line.text.lstrip().startswith("@")
    ]
    if not below:
        return not lost(Hunk(hunk.removed[:at], ()), names)
    return declared(below[0]) in names


def _row_lock(file: TouchedFile, both: Sides, names: frozenset[str]) -> Line | None:
    """A lock of rows that is gone from a statement that stays."""
    if both.says(_ROW_LOCK) or both.says(_INSTEAD):
        return None
    plain = {_bare(line.text) for line in both.new} - {""}
    for hunk in hunks(file):
        for at, line in enumerate(hunk.removed):
            if says_nothing(line.text) or not _ROW_LOCK(line.text):
                continue
            left = _bare(_without(line.text))
            alone = not left or line.text.lstrip().startswith("@")
            if left in plain or (alone and _below_stays(hunk, at, names)):
                return line
    return None


def _without(text: str) -> str:
    found = _ROW_LOCK(text)
    return f"{text[: found.start()]}.{text[found.end() :]}" if found else text


def _bare(text: str) -> str:
    return _SIGNS.sub("", text)


def _unlocked(file: TouchedFile, both: Sides, names: frozenset[str]) -> Iterator[Match]:
    """A lock of memory that is gone from code that stays, with what it guarded."""
    if both.says(_MUTEX) or both.says(_SAFE) or any(_SHARED_WRITE(line.text) for line in both.old):
        return
    for hunk in hunks(file):
        if lost(hunk, names):
            continue
        if not _writes_on(hunk):
            continue
        for line in hunk.removed:
            if not says_nothing(line.text) and _TAKES(line.text) and _MUTEX(line.text):
                level: Level = "high" if file.path.endswith(_CRASHES) else "medium"
                yield Match("code-lock-removed", level, _MEMORY, _KEEP_MUTEX, file.path, 0, shown(line.text))
                return


def _writes_on(hunk: Hunk) -> bool:
    """Whether what is now without the lock writes to what others see; what is not shown here may."""
    shows = [text for text in texts(hunk.added) if not declared(text)]
    return not shows or any(_SHARED_WRITE(text) or _FIELD(text) for text in shows)


_rule = rules_of(_matches, lambda path: False)

rules = (
    _rule(
        "code-transaction-removed",
        "Writes that belonged together are no longer one transaction",
        "A fault between two writes leaves one of them, and no roll-back of the program mends the data.",
        "PostgreSQL, Transactions: https://www.postgresql.org/docs/current/tutorial-transactions.html",
    ),
    _rule(
        "code-lock-removed",
        "A lock is removed from what is shared",
        "It goes wrong only under load: counts that are too high, a map that crashes the process.",
        "Go, Maps: concurrency: https://go.dev/blog/maps; "
        "PostgreSQL, Explicit locking: https://www.postgresql.org/docs/current/explicit-locking.html",
    ),
)
