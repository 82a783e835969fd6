"""What went wrong with a segment's file, in words, and whether the file can still be trusted.

A disk that is full or a file that is busy says so before anything is lost. After an error of the device,
above all of a sync, nobody knows which of the bytes are on the disk: such a file gets no further records.
"""

from __future__ import annotations

import errno
import sqlite3
from pathlib import Path

from core.errors import JournalCorrupt, JournalError, JournalUnavailable

_DAMAGE = {sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_FORMAT, sqlite3.SQLITE_NOTADB}
_HARMLESS = {
    sqlite3.SQLITE_FULL, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_INTERRUPT,
}  # fmt: skip
_FULL = ("the disk is full", "Free space; commits then go on by themselves")
_DEVICE = ("input/output error", "Check the disk; when it works again, commits go on by themselves")
_SYNC = ("the disk cannot sync", _DEVICE[1])
_DENIED = ("not permitted", "Check permissions and free space")
_HELD = ("another process holds it", "End what else uses this directory")
_WORDS = {
    sqlite3.SQLITE_IOERR_FSYNC: _SYNC,
    sqlite3.SQLITE_IOERR_DIR_FSYNC: _SYNC,
    sqlite3.SQLITE_FULL: _FULL,
    sqlite3.SQLITE_IOERR: _DEVICE,
    sqlite3.SQLITE_CANTOPEN: _DENIED,
    sqlite3.SQLITE_READONLY: _DENIED,
    sqlite3.SQLITE_PERM: _DENIED,
    sqlite3.SQLITE_BUSY: _HELD,
    sqlite3.SQLITE_LOCKED: _HELD,
}
_OS_WORDS = {
    errno.ENOSPC: _FULL, errno.EDQUOT: _FULL, errno.EIO: _DEVICE, errno.EACCES: _DENIED,
    errno.EPERM: _DENIED, errno.EROFS: _DENIED,
}  # fmt: skip


def is_damage(error: sqlite3.Error) -> bool:
    """Whether the file's content is at fault, rather than the way to it."""
    return not isinstance(error, sqlite3.ProgrammingError) and _code(error) & 0xFF in _DAMAGE


def leaves_trust(error: sqlite3.Error | OSError) -> bool:
    """Whether the segment can take records again once the cause is gone."""
    if isinstance(error, sqlite3.Error):
        return _code(error) & 0xFF in _HARMLESS
    return error.errno in (errno.ENOSPC, errno.EDQUOT)


def unwritable(path: Path, error: sqlite3.Error | OSError) -> JournalUnavailable:
    what, mend = words(error)
    return JournalUnavailable(f"the journal cannot be written ({what})", where=str(path), mend=mend)


def unreadable(path: Path, error: sqlite3.Error) -> JournalError:
    if is_damage(error):
        return JournalCorrupt(f"cannot be read ({error})", where=str(path), mend="Restore it from a backup")
    what, mend = words(error)
    return JournalUnavailable(f"the journal cannot be read ({what})", where=str(path), mend=mend)


def words(error: sqlite3.Error | OSError) -> tuple[str, str]:
    """What failed, with the system's own text, and how to mend it."""
    if isinstance(error, sqlite3.Error):
        code, told = _code(error), str(error)
        found = _WORDS.get(code) or _WORDS.get(code & 0xFF)
    else:
        told = error.strerror or str(error)
        found = _OS_WORDS.get(error.errno or 0)
    if found is None:
        return told, _DENIED[1]
    return f"{found[0]}: {told}", found[1]


def _code(error: sqlite3.Error) -> int:
    """SQLite's extended result code; errors that Python raises itself (bad UTF-8) have none."""
    return int(getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR))
