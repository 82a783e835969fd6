"""Every error Watchkeeper raises on purpose, drawn as one tree.

    WatchkeeperError
    ├── InputError               somebody's input is wrong: exit 2, or HTTP 400
    │   ├── BodyError            a request body that cannot be normalised
    │   ├── CatalogueError       the service catalogue
    │   ├── RuleError            a rule file
    │   ├── RoutesError          the routing file
    │   ├── PolicyError          a repository's policy file
    │   ├── SourceError          a mapping file, or the senders file
    │   └── EventLineError       a line of an event file
    ├── NotFound                 no such incident, alert or record: exit 1, or HTTP 404
    ├── SignatureRefused         a sender did not prove itself: HTTP 401
    ├── TransitionRefused        the lifecycle does not allow it: HTTP 409
    ├── MemoryUnavailable        what is over cannot be remembered or found now
    ├── EngineStarting           what was decided is still being read: HTTP 503
    ├── Unreachable              no server answers at the address given: exit 2
    ├── RemoteError              a service that we call does not do what it is asked
    │   └── RemoteLater          it cannot now and may later
    └── JournalError
        ├── JournalUnavailable   nothing can be committed now: HTTP 503
        ├── JournalBusy          another process has this data directory open
        └── JournalCorrupt       what is stored is not what was written

Each says what is wrong, where, and how to mend it; `str()` gives the three as one message.
"""

from __future__ import annotations

_LONGEST = 1_000


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


class WatchkeeperError(Exception):
    """Base of all. `what` is wrong, `where` it is, how to `mend` it."""

    def __init__(self, what: str, *, where: str = "", mend: str = "") -> None:
        # What quotes somebody's input must not be as long as the input.
        self.what, self.where, self.mend = _short(what), _short(where), _short(mend)
        super().__init__(self.what)

    def __str__(self) -> str:
        head = f"{self.where}: {self.what}" if self.where else self.what
        return f"{head}. {self.mend}" if self.mend else head

    def at(self, where: str) -> WatchkeeperError:
        """The same error, placed inside `where` (a file, then a path in it)."""
        joined = f"{where}: {self.where}" if self.where else where
        return type(self)(self.what, where=joined, mend=self.mend)


class InputError(WatchkeeperError):
    pass


class BodyError(InputError):
    pass


class CatalogueError(InputError):
    pass


class RuleError(InputError):
    pass


class RoutesError(InputError):
    pass


class PolicyError(InputError):
    pass


class SourceError(InputError):
    pass


class EventLineError(InputError):
    pass


class NotFound(WatchkeeperError):
    pass


class SignatureRefused(WatchkeeperError):
    pass


class TransitionRefused(WatchkeeperError):
    pass


class NotYetApplied(WatchkeeperError):
    """What somebody did is stored, and the engine has not come to it: nobody knows yet what comes of it."""


class MemoryUnavailable(WatchkeeperError):
    pass


class EngineStarting(WatchkeeperError):
    pass


class Unreachable(WatchkeeperError):
    pass


class RemoteError(WatchkeeperError):
    """`status` is what it answered, 0 for no answer."""

    status = 0


class RemoteLater(RemoteError):
    """`after` is how many seconds it wants to be left alone, 0 where it does not say."""

    after = 0.0


class JournalError(WatchkeeperError):
    pass


class JournalUnavailable(JournalError):
    pass


class JournalBusy(JournalError):
    pass


class JournalCorrupt(JournalError):
    pass


class ProjectionUnavailable(WatchkeeperError):
    """What is made from the journal for reading cannot be written."""
