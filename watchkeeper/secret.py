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
    return read_kept(entry.secret_file, entry.secret_env, f"{path}.secret", where, environment, error)


def read_kept(
    file: str, variable: str, path: str, where: str, environment: Mapping[str, str], error: type[InputError]
) -> tuple[str, str]:
    """The same for a secret of another name: `path` is what `_file` and `_env` are added to."""
    name = path.rpartition(".")[2]
    if file and variable:
        place = path.removesuffix(f".{name}")
        raise error(f"{place}: two secrets", where=where, mend=f"Keep {name}_file or {name}_env")
    if file:
        path = f"{path}_file"
        return _from_file(file, path, where, error), path
    if variable:
        path = f"{path}_env"
        secret = environment.get(variable, "").strip()
        if not secret:
            mend = f"Set {variable} where Watchkeeper runs"
            raise error(f"{path}: the variable is not set, or empty", where=where, mend=mend)
        return secret, path
    return "", path.removesuffix(f".{name}")


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
