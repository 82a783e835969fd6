"""Lock files of package managers read to versions, sources and hashes, by package.

Read by lines where the format allows it, so that a broken block costs only itself.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from core.risk.rules.dependencies.asked import LONGEST_TEXT, lines
from core.risk.rules.dependencies.manifests import python_name


class Locked(NamedTuple):
    """`source`: the host of a registry, or what it is and where (`git github.com/a/b`); "" is the default.
    `hash`: of what is installed, with its kind."""

    version: str
    source: str = ""
    hash: str = ""


Lock = dict[str, tuple[Locked, ...]]
_URL = re.compile(r"(?:(git|registry|sparse|hg|svn)\+)?(https?|ssh|git|file)://(?:[^/@]*@)?([^/?#]+)([^?#]*)")
_TOML = re.compile(r"(name|version|source|checksum|type|url) = (.*)$")
_UV = re.compile(r'(registry|git|url|path|editable|virtual|directory) = "([^"]*)"')
_YARN = re.compile(r'\s+(version|resolved|integrity|resolution|checksum):? "?([^"\s]+)"?')
_PNPM = re.compile(r"  ['\"]?/?((?:@[\w.-]+/)?[\w.-]+)@([^:'\"()\s]+)")
_TARBALL = re.compile(r"tarball: ([^,}\s]+)")
_SPEC = re.compile(r"    ([\w.-]+) \(([^)]+)\)")


def read(path: str, text: str | None) -> Lock | None:
    """What is locked; None where the file is no lock that can be read, not there, too long or broken."""
    reader = _READERS.get(path.rpartition("/")[2].lower())
    if reader is None or text is None or len(text) > LONGEST_TEXT:
        return None
    found: dict[str, list[Locked]] = {}
    try:
        for name, one in reader(text):
            found.setdefault(name, []).append(one)
    except (ValueError, RecursionError):
        return None
    return {name: tuple(rows) for name, rows in found.items()}


def is_lock(path: str) -> bool:
    return path.rpartition("/")[2].lower() in _READERS


def source(text: str) -> str:
    """Where a package comes from, without what changes at every version."""
    found = _URL.match(text)
    if found is None:
        return ""
    kind, scheme, host, path = found.groups()
    if kind in ("git", "hg", "svn") or scheme in ("git", "ssh"):
        return f"{kind or 'git'} {host}{path.removesuffix('.git').rstrip('/')}"
    if kind in ("registry", "sparse"):
        return f"{host}{path.rstrip('/')}"
    return f"http (unencrypted) {host}" if scheme == "http" else host


def _npm(text: str) -> Iterator[tuple[str, Locked]]:
    data = json.loads(text)
    packages = data.get("packages") if isinstance(data, dict) else None
    if isinstance(packages, dict):
        rows = [(key.rpartition("node_modules/")[2], row) for key, row in packages.items() if key]
    else:
        rows = list(_old_npm(data))
    for name, row in rows:
        if isinstance(row, dict) and not row.get("link"):
            said = [str(row.get(key) or "") for key in ("version", "resolved", "integrity")]
            yield name, Locked(said[0], source(said[1]), said[2])


def _old_npm(data: Any) -> Iterator[tuple[str, Any]]:
    """Before version 2 packages were nested."""
    waiting = [data] if isinstance(data, dict) else []
    while waiting:
        rows = waiting.pop().get("dependencies")
        for name, row in rows.items() if isinstance(rows, dict) else ():
            if isinstance(row, dict):
                yield name, row
                waiting.append(row)


def _blocks(text: str) -> Iterator[tuple[str, Locked]]:
    """poetry.lock, uv.lock and Cargo.lock: `[[package]]` and its keys, a line each."""
    said: dict[str, str] = {}
    inside = False
    for line in (*lines(text), "[[package]]"):
        if line.startswith("[["):
            if said.get("name"):
                yield python_name(said["name"]), _block(said)
            said, inside = {}, line.startswith("[[package]]")
        elif line.startswith("["):
            inside = line.startswith("[package.source]")
        elif inside and (found := _TOML.match(line)):
            said.setdefault(found[1], found[2].strip().strip('"'))


def _block(said: dict[str, str]) -> Locked:
    where = said.get("source", "")
    if found := _UV.search(where):
        where = f"git+{found[2]}" if found[1] == "git" else found[2]
    elif said.get("url"):
        where = f"git+{said['url']}" if said.get("type") == "git" else said["url"]
    return Locked(said.get("version", ""), source(where), said.get("checksum", ""))


def _yarn(text: str) -> Iterator[tuple[str, Locked]]:
    name, said = "", dict[str, str]()
    for line in (*lines(text), "end:"):
        if line and not line[0].isspace() and not line.startswith("#"):
            if name:
                yield name, _yarn_block(said)
            first = line.strip().strip('":').split(", ")[0].strip('"')
            name, said = first[: first.find("@", 1)] if "@" in first[1:] else "", {}
        elif found := _YARN.match(line):
            said.setdefault(found[1], found[2])


def _yarn_block(said: dict[str, str]) -> Locked:
    resolution = said.get("resolution", "")
    where = resolution[resolution.find("@", 1) + 1 :]
    where = said.get("resolved", "" if where.startswith("npm:") else where)
    return Locked(said.get("version", ""), source(where), said.get("integrity", ""))


def _pnpm(text: str) -> Iterator[tuple[str, Locked]]:
    name, version = "", ""
    for line in lines(text):
        if found := _PNPM.match(line):
            if name:
                yield name, Locked(version)
            name, version = found[1], found[2]
        elif name and "resolution:" in line:
            tarball = _TARBALL.search(line)
            yield name, Locked(version, source(tarball[1]) if tarball else "")
            name = ""


def _gems(text: str) -> Iterator[tuple[str, Locked]]:
    kind, remote = "", ""
    for line in lines(text):
        if line and not line[0].isspace():
            kind, remote = line.strip(), ""
        elif line.startswith("  remote: "):
            remote = line.partition(": ")[2].strip()
        elif kind in ("GEM", "GIT") and (found := _SPEC.fullmatch(line)):
            yield found[1], Locked(found[2], source(f"git+{remote}" if kind == "GIT" else remote))


def _go_sum(text: str) -> Iterator[tuple[str, Locked]]:
    for line in lines(text):
        words = line.split()
        if len(words) == 3:
            yield f"{words[0]} {words[1]}", Locked(words[1], "", words[2])


_READERS: dict[str, Callable[[str], Iterator[tuple[str, Locked]]]] = {
    "package-lock.json": _npm,
    "npm-shrinkwrap.json": _npm,
    "poetry.lock": _blocks,
    "uv.lock": _blocks,
    "cargo.lock": _blocks,
    "yarn.lock": _yarn,
    "pnpm-lock.yaml": _pnpm,
    "gemfile.lock": _gems,
    "go.sum": _go_sum,
}
