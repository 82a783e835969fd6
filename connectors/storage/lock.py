"""One server per data directory: an advisory lock that the system releases when the process dies."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from core.errors import JournalBusy, JournalUnavailable


class DirectoryLock:
    """Raises JournalBusy when another process holds it, JournalUnavailable when it cannot be made."""

    def __init__(self, directory: Path) -> None:
        try:
            directory.mkdir(parents=True, exist_ok=True)
            self._file = os.open(directory / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise JournalUnavailable(
                f"cannot be used ({error.strerror})", where=str(directory), mend="Give another --data DIR"
            ) from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._file)
            raise JournalBusy(
                "another Watchkeeper is using this directory",
                where=str(directory),
                mend="Stop it first, or give another --data DIR",
            ) from None

    def release(self) -> None:
        os.close(self._file)
