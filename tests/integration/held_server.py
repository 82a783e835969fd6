"""`watchkeeper`, whose engine takes up no checkpoint before somebody opens the pipe that HELD names."""

from __future__ import annotations

import os
from pathlib import Path

from core.ports import Journal
from core.replay import Fold
from watchkeeper.cli.main import main

_begin = Fold.begin


def _held(self: Fold, journal: Journal) -> int:
    # Opening a pipe to read waits for whoever opens it to write.
    Path(os.environ["HELD"]).read_bytes()
    return _begin(self, journal)


Fold.begin = _held  # type: ignore[method-assign]
if __name__ == "__main__":
    main()
