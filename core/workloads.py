"""Names that Kubernetes and exporters make: the workload in the name of a pod or a job, the host in an
address.

A name is cut only where its end is of a form that a controller gives, so that a name that people gave stays
whole: `payments-7d9f8b6c5-x2k9p` is of `payments`, `payments-proxy` is itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

# What Kubernetes makes random names of: no vowels, and nothing that looks like another letter.
_SAFE = "bcdfghjklmnpqrstvwxz2456789"
# Of a pod template; never digits alone, which are a date or a number.
_HASH = rf"(?![0-9]+(?:-|$))(?:(?=[a-f]*[0-9])[0-9a-f]{{8,10}}|[{_SAFE}]{{8,10}})"
_HASHED = re.compile(rf"(.+)-{_HASH}")
_REPLICA = re.compile(rf"(.+)-{_HASH}-[0-9a-z]{{5}}")
_SUFFIXED = re.compile(rf"(.+)-([{_SAFE}]{{5}})")
_ORDINAL = re.compile(r"(.*[a-z0-9])-[0-9]{1,3}")
# An ordinal follows a name; what follows two more numbers is an address or a version.
_NUMBERED = re.compile(r".*[0-9]-[0-9]+")
# A CronJob's job ends in the minutes since 1970 for which it was made.
_TIMED = re.compile(r"(.+)-[0-9]{8}")
# Words that random letters spell, and people too.
_WORDS = frozenset(
    ["dhcpd", "https", "httpd", "html5", "mqtts", "mssql", "pgsql", "smtpd", "smtps", "snmpd", "tftpd"]
)
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_LONGEST = 253


def owner_of_pod(pod: str) -> str:
    """The Deployment, DaemonSet, StatefulSet, CronJob or Job that made a pod of this name; "" when its name
    does not tell."""
    if len(pod) > _LONGEST:
        return ""
    replica = _REPLICA.fullmatch(pod)
    if replica is not None:
        return replica[1]
    suffixed = _SUFFIXED.fullmatch(pod)
    if suffixed is not None and suffixed[2] not in _WORDS:
        return maker_of(suffixed[1])
    ordinal = _ORDINAL.fullmatch(pod)
    if ordinal is not None and _NUMBERED.fullmatch(ordinal[1]) is None:
        return ordinal[1]
    return ""


def owners_of_claim(claim: str) -> Iterator[str]:
    """Workloads that a volume claim of a StatefulSet may be of: it is named after the template, the workload
    and the pod's number, and either name may have dashes. `data-shop-db-0`: `data-shop-db` (some operators
    leave the template out), `shop-db`, `db`."""
    ordinal = _ORDINAL.fullmatch(claim) if len(claim) <= _LONGEST else None
    rest = "" if ordinal is None or _NUMBERED.fullmatch(ordinal[1]) else ordinal[1]
    while rest:
        yield rest
        rest = rest.partition("-")[2]


def maker_of(name: str) -> str:
    """The CronJob that made a Job of this name, the Deployment that made a ReplicaSet; else the name."""
    if len(name) > _LONGEST:
        return name
    made = _TIMED.fullmatch(name) or _HASHED.fullmatch(name)
    return name if made is None else made[1]


def host_of(address: str) -> str:
    """`10.0.0.7:9100` as `10.0.0.7`, `https://shop.example/health` as `shop.example`."""
    host = _SCHEME.sub("", address, count=1).partition("/")[0]
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdigit() and (":" not in name or name.startswith("[")) else host


def is_exporter(name: str, exporters: Iterable[str]) -> bool:
    """Whether `name` is one of them, or ends in one after a `-`, `_` or `/`; capitals do not count."""
    name = name.lower()
    return any(name == one or name.endswith((f"-{one}", f"_{one}", f"/{one}")) for one in exporters)
