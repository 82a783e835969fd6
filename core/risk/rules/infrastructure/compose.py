"""Docker Compose: stores that jump a major version, data that loses its volume, power over the host."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from core.risk.change import ChangeSet, TouchedFile
from core.risk.rules.rule import Level, Match, RiskRule
from core.risk.rules.touched import is_lower, judged, line_at, place_of, rules_of, shown
from core.risk.rules.yamldocs import Map, documents, line_of, map_at

_FILE = re.compile(r"(?:docker-)?(?:compose|stack)(?:[._-][\w.-]{1,80})?\.ya?ml", re.IGNORECASE)
_STORE = re.compile(
    r"(?:.{0,300}/)?(?:postgres(?:ql)?|postgis|timescaledb|pgvector|mysql|mariadb|percona|mongo(?:db)?|redis"
    r"|valkey|elasticsearch|opensearch|rabbitmq|kafka|cp-kafka|mssql/server|cassandra|clickhouse(?:-server)?|influxdb"
    r"|neo4j|couchdb|minio|zookeeper|etcd|vault|consul|solr|arangodb|cockroach)"
)
# Their programs refuse the files of another major version.
_REFUSES = re.compile(r"(?:.{0,300}/)?(?:postgres(?:ql)?|postgis|timescaledb|pgvector)")
_MAJOR = re.compile(r"(?:[a-z]{1,20}-?)?v?([0-9]{1,4})(?![0-9])")
_FLEETING = re.compile(r"cache|node_modules|tmp|temp|build|vendor|target|\.venv", re.IGNORECASE)
_SOCKET = "docker.sock"


class _Mount(NamedTuple):
    """`named`: a volume of Docker and no folder of the host."""

    source: str
    target: str
    named: bool


def wanted(path: str) -> bool:
    return _FILE.fullmatch(path.rpartition("/")[2][:200]) is not None


def _matches(change: ChangeSet) -> Iterator[Match]:
    for file in judged(change, wanted, gone=False):
        before, after = (
            map_at((documents(text) or [None])[0], "services") for text in (file.before, file.after)
        )
        for name in () if is_lower(file.path) else after:
            old, new = map_at(before, name), map_at(after, name)
            yield from _powers(file, name, old, new)
            if old:
                yield from _store(file, name, old, new)
                yield from _volumes(file, name, old, new)


def _match(file: TouchedFile, rule: str, level: Level, what: str, clears: str, line: int) -> Match:
    return Match(rule, level, shown(what), clears, file.path, line, line_at(file.after, line))


def _image(service: Map) -> tuple[str, str]:
    """Name and tag; what is filled in elsewhere has none."""
    text = str(service.get("image", ""))[:400].partition("@")[0]
    head, slash, last = text.rpartition("/")
    name, _, tag = last.partition(":")
    return (f"{head}{slash}{name}".lower(), tag) if "$" not in text else ("", "")


def _store(file: TouchedFile, name: str, old: Map, new: Map) -> Iterator[Match]:
    (was, was_tag), (now, now_tag) = _image(old), _image(new)
    before, after = _MAJOR.match(was_tag), _MAJOR.match(now_tag)
    if was != now or not _STORE.fullmatch(now) or not before or not after or before[1] == after[1]:
        return
    refuses = _REFUSES.fullmatch(now) is not None
    level: Level = "high" if refuses else "medium"
    effect = "it does not start on the files of the old one" if refuses else "its files may not be read"
    what = f"The store {name} goes from {was_tag} to {now_tag}: {effect}."
    clears = "Show the dump, the upgrade of its files and the way back, and do it in a change of its own."
    yield _match(file, "compose-store-major", level, what, clears, line_of(new, "image"))


def _volumes(file: TouchedFile, name: str, old: Map, new: Map) -> Iterator[Match]:
    store = _STORE.fullmatch(_image(old)[0]) is not None
    now = {mount.target: mount for mount in _mounts(new)}
    for mount in _mounts(old):
        kept = now.get(mount.target)
        lasting = (mount.named and not _FLEETING.search(f"{mount.source} {mount.target}")) or store
        if not lasting or "/docker-entrypoint" in mount.target or mount.target.endswith((".conf", ".cnf")):
            continue
        if kept is None or (mount.named and kept.source != mount.source):
            went = "is no longer kept" if kept is None else f"is taken from {kept.source} now"
            what = f"{name}: what lies under {mount.target} was kept in {mount.source} and {went}."
            clears = "Keep the volume, or show where its data went before this goes out."
            line = old.lines.get("volumes", old.line)
            place, evidence = place_of(file, line), shown(f"{mount.source}:{mount.target}")
            yield Match("compose-volume-removed", "high", shown(what), clears, file.path, place, evidence)


def _mounts(service: Map) -> list[_Mount]:
    """What is written where; without what has no source, or is only read."""
    rows = service.get("volumes")
    found = []
    for row in rows if isinstance(rows, list) else ():
        if isinstance(row, Map):
            source, target = str(row.get("source") or ""), str(row.get("target") or "")
            if row.get("type") in ("volume", "bind") and not row.get("read_only"):
                found.append(_Mount(source, target, row.get("type") == "volume"))
        elif isinstance(row, str):
            source, _, rest = row.partition(":")
            target, _, mode = rest.partition(":")
            if "ro" not in mode.split(","):
                found.append(_Mount(source, target, not source.startswith((".", "/", "~", "$"))))
    return [one for one in found if one.source and one.target]


def _powers(file: TouchedFile, name: str, old: Map, new: Map) -> Iterator[Match]:
    was = {what for what, *_ in _power(old)}
    for what, level, key in _power(new):
        if what not in was:
            clears = "Give the one capability or address that it needs."
            yield _match(file, "compose-privileged", level, f"{name} {what}.", clears, line_of(new, key))


def _power(service: Map) -> Iterator[tuple[str, Level, str]]:
    if service.get("privileged") is True:
        yield "is as powerful as its host (privileged)", "high", "privileged"
    if any(_SOCKET in mount.source for mount in _mounts(service)):
        yield "may start and stop every container of its host (docker.sock)", "high", "volumes"
    for key in ("network_mode", "pid"):
        if service.get(key) == "host":
            yield f"shares what is its host's ({key})", "medium", key


_COMPOSE = "https://docs.docker.com/reference/compose-file/services/"


_rule = rules_of(_matches, wanted)


rules: tuple[RiskRule, ...] = (
    _rule(
        "compose-store-major",
        "A store of Compose jumps a major version",
        "The files of the old version are not those of the new one, and there is no way back.",
        "PostgreSQL, Upgrading a cluster: https://www.postgresql.org/docs/current/upgrading.html",
    ),
    _rule(
        "compose-volume-removed",
        "Data of Compose loses its volume",
        "The next start finds an empty folder, and what is written there goes with the container.",
        f"Docker, Compose, volumes: {_COMPOSE}#volumes",
    ),
    _rule(
        "compose-privileged",
        "A container with power over its host",
        "Who breaks into the container has the host.",
        f"Docker, Compose, privileged: {_COMPOSE}#privileged",
    ),
)
