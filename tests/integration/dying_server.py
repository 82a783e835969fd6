"""`watchkeeper`, ended by SIGKILL at the moment that DIE names: `before` or `after` the agents' first record
is committed. Once it has happened (MARKER is there), the program is as it is."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

from core.journal import Draft
from watchkeeper.cli.main import main
from watchkeeper.enricher import Enricher

MARKER, DIE = Path(os.environ["MARKER"]), os.environ["DIE"]
_made = Enricher.__init__


def _dying(self: Enricher, engine: Any, append: Any, *rest: Any) -> None:
    def store(draft: Draft) -> Any:
        if MARKER.exists():
            return append(draft)
        MARKER.touch()
        if DIE == "after":
            append(draft)
        return os.kill(os.getpid(), signal.SIGKILL)

    _made(self, engine, store, *rest)


Enricher.__init__ = _dying  # type: ignore[method-assign, assignment]
if __name__ == "__main__":
    main()
