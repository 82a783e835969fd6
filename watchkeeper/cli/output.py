"""What commands write: JSON for machines, and files, whole or not at all and never more than was meant.

What stands behind a link is written through it; a device or a pipe is written to, not replaced. A file that
is there already stays, unless the caller says otherwise.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from core.errors import InputError


def print_json(document: Mapping[str, Any]) -> None:
    json.dump(document, sys.stdout, ensure_ascii=False, indent=1)
    sys.stdout.write("\n")


@contextmanager
def writing(path: Path, *, replace: bool, forced: bool = False) -> Iterator[IO[str]]:
    """A text file to write. `forced`: the command has --force. Raises InputError naming the file; then
    nothing of it has changed."""
    try:
        with _opened(Path(os.path.realpath(path)), replace) as out:
            yield out
    except (OSError, ValueError) as error:
        what = getattr(error, "strerror", None) or str(error)
        raise InputError(f"cannot be written ({what})", where=str(path), mend=_mend(error, forced)) from None


def _mend(error: Exception, forced: bool) -> str:
    if not isinstance(error, FileExistsError):
        return "Give another file"
    return "Give another file, or --force to write over it" if forced else "Give another file, or remove it"


@contextmanager
def _opened(path: Path, replace: bool) -> Iterator[IO[str]]:
    if path.exists() and not path.is_file():
        if path.is_dir():
            raise IsADirectoryError(0, "it is a directory")
        with path.open("w", encoding="utf-8") as out:
            yield out
        return
    if path.exists():
        if not replace:
            raise FileExistsError(0, "it exists already")
        if not os.access(path, os.W_OK):
            raise PermissionError(0, "it is read-only")
    partial = path.with_name(f"{path.name}.partial")
    try:
        with partial.open("w", encoding="utf-8") as out:
            yield out
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
