"""What was judged of changes before they went out, and which of them people say caused incidents.

Both are for people and for later changes: no link, finding, severity or page reads them.
"""

from __future__ import annotations

import msgspec

from core.model.events import RiskEvent
from core.risk.known import PastChange


class Assessed(msgspec.Struct, frozen=True):
    """The latest telling of how a commit was judged. `content` decides between tellings of one time, `seq` is
    the record that told it. `changes`: ids of the changes that brought the commit out, in order."""

    domain: str
    seq: int
    content: str
    event: RiskEvent
    changes: tuple[str, ...] = ()


class Cause(msgspec.Struct, frozen=True):
    """A person's word on whether a change caused an incident. `about`: kind, service and version then."""

    change: str
    caused: bool
    actor: str
    at: int
    reason: str = ""
    kind: str = ""
    service: str = ""
    version: str = ""


class Taught(msgspec.Struct, frozen=True):
    """The same, kept when incident and change have left memory. `past` is what later changes are compared
    with; `repository`, `commits` and `line` (the record) are of the assessment, empty without one."""

    domain: str
    incident: str
    cause: Cause
    past: PastChange
    repository: str = ""
    commits: tuple[str, ...] = ()
    line: int = 0
