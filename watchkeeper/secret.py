"""Secrets that the operator's files name but never hold: each is read from a file or from a variable."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from core.errors import InputError
from core.yamltext import Strict

_MAX = 4_096


class SecretEntry(Strict):
    """Where a secret is kept; at most one of the two."""

    secret_file: str = ""
    secret_env: str = ""


def read_secret(
    entry: SecretEntry, path: str, where: str, environment: Mapping[str, str], error: type[InputError]
) -> tuple[str, str]:
    """The secret, empty without one, and the path of the key that named it. Errors never repeat it.

    `path` is the entry's place in the file `where`. Raises `error`.
    """
    if entry.secret_file and entry.secret_env:
        raise error(f"{path}: two secrets", where=where, mend="Keep secret_file or secret_env")
    if entry.secret_file:
        path = f"{path}.secret_file"
        return _from_file(entry.secret_file, path, where, error), path
    if entry.secret_env:
        path = f"{path}.secret_env"
        secret = environment.get(entry.secret_env, "").strip()
        if not secret:
            mend = f"Set {entry.secret_env} where Watchkeeper runs"
            raise error(f"{path}: the variable is not set, or empty", where=where, mend=mend)
        return secret, path
    return "", path


def _from_file(name: str, path: str, where: str, error: type[InputError]) -> str:
    fault = ""
    try:
        with Path(name).open(encoding="utf-8") as file:
            secret = file.read(_MAX + 1).strip()
    except UnicodeDecodeError:
        fault = "is not UTF-8 text"
    except (OSError, ValueError) as problem:
        fault = f"cannot be read ({getattr(problem, 'strerror', None) or 'no path'})"
    else:
        fault = "" if 0 < len(secret) <= _MAX else "is empty or longer than 4096 characters"
    if fault:
        mend = "Keep the secret in it, alone, where Watchkeeper may read it"
        raise error(f"{path}: {name} {fault}", where=where, mend=mend)
    return secret
