"""squawk, a linter of PostgreSQL migrations, asked beside our own rules where it is installed.

It is given texts in a folder of its own, under names that we choose, with an empty configuration: nothing of
a repository is run, and no `.squawk.toml` of a pull request silences it. It never fails a check: why it said
nothing is in `status`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from core.risk.change import ChangeSet
from core.risk.rules.sql.frameworks import migrations_of
from core.risk.rules.sql.migration import Migration

SECONDS = 10.0
# Of what is given, and of what is read of the answer; an answer that is longer says nothing.
_MOST_FILES = 200
_MOST_TEXT = 4_000_000
_LONGEST_ANSWER = 8_000_000
_NOT_INSTALLED = "not installed"


class _Row(msgspec.Struct, frozen=True):
    """Of squawk's answer; its lines count from 0."""

    file: str
    line: int
    line_end: int
    rule_name: str
    message: str = ""
    help: str | None = None


class Text(NamedTuple):
    """`in_transaction`: whether the tool of the migration puts a transaction around it."""

    path: str
    text: str
    in_transaction: bool = False


def program() -> str | None:
    """Where squawk is: on PATH, or beside this Python, as pip puts it."""
    return shutil.which("squawk") or shutil.which("squawk", path=str(Path(sys.executable).parent))


def ask(change: ChangeSet, *, seconds: float = SECONDS) -> dict[str, Any]:
    """`Known.tools["squawk"]` of the change: `{"status", "rows"}`. "ran" when there was nothing to ask."""
    return ask_texts([_text(one) for one in migrations_of(change) if _is_sql(one)], seconds=seconds)


def ask_texts(texts: Sequence[Text], *, seconds: float = SECONDS) -> dict[str, Any]:
    """Rows of squawk, with our paths and lines that count from 1. Bounded by `seconds` in all."""
    where = program()
    if where is None:
        return {"status": _NOT_INSTALLED, "rows": []}
    if len(texts) > _MOST_FILES or sum(len(one.text) for one in texts) > _MOST_TEXT:
        return {"status": "too many texts to ask it", "rows": []}
    rows: list[dict[str, Any]] = []
    for inside in (False, True):
        group = [one for one in texts if one.in_transaction is inside]
        found = _run(where, group, inside, seconds / 2) if group else []
        if isinstance(found, str):
            return {"status": found, "rows": []}
        rows += found
    return {"status": "ran", "rows": rows}


def _is_sql(migration: Migration) -> bool:
    return migration.dialect == "postgres" and migration.path.endswith(".sql") and bool(migration.statements)


def _text(migration: Migration) -> Text:
    return Text(migration.path, "\n".join(migration.lines), migration.found.wrapped == "yes")


def _run(where: str, texts: list[Text], inside: bool, seconds: float) -> list[dict[str, Any]] | str:
    """Its rows, or why there are none."""
    try:
        with tempfile.TemporaryDirectory(prefix="watchkeeper-squawk-") as folder:
            names = _write(Path(folder), texts)
            flags = ["--assume-in-transaction"] if inside else []
            command = [where, "--reporter", "json", "--config", "squawk.toml", *flags, *names]
            answer = _answer(command, folder, seconds)
        return answer if isinstance(answer, str) else _rows(answer, dict(zip(names, texts, strict=True)))
    except OSError as error:
        return f"could not be run ({error.strerror or 'an error of the system'})"


def _write(folder: Path, texts: list[Text]) -> list[str]:
    (folder / "squawk.toml").write_text("")
    names = [f"{number:04d}.sql" for number in range(len(texts))]
    for name, one in zip(names, texts, strict=True):
        (folder / name).write_bytes(one.text.encode("utf-8", "replace"))
    return names


def _answer(command: list[str], folder: str, seconds: float) -> bytes | str:
    late = threading.Event()
    environment = {"PATH": os.defpath, "HOME": folder, "NO_COLOR": "1"}
    with subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        timer = threading.Timer(seconds, _end, (process, late))
        timer.start()
        try:
            answer = process.stdout.read(_LONGEST_ANSWER + 1) if process.stdout else b""
        finally:
            timer.cancel()
            # It may still be writing what nobody reads; when it has ended this does nothing.
            process.kill()
    if late.is_set():
        return f"took longer than {seconds:g} s"
    return "its answer is too long" if len(answer) > _LONGEST_ANSWER else answer


def _end(process: subprocess.Popen[bytes], late: threading.Event) -> None:
    late.set()
    process.kill()


def _rows(answer: bytes, texts: dict[str, Text]) -> list[dict[str, Any]] | str:
    try:
        found = msgspec.json.decode(answer or b"[]", type=list[_Row])
    except (msgspec.DecodeError, RecursionError):
        return "its answer is not understood"
    return [_row(one, texts[Path(one.file).name].path) for one in found if Path(one.file).name in texts]


def _row(one: _Row, path: str) -> dict[str, Any]:
    return {
        "path": path,
        "line": one.line + 1,
        "end": one.line_end + 1,
        "rule": one.rule_name,
        "message": one.message,
        "help": one.help or "",
    }
