"""Golden cases: what each recorded case replays to, as a digest. `make digests` says what they are now.

A digest changes only when behaviour changes; then the changelog says so and `digests.json` is written anew:
`python -m tests.replay.golden --write`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from connectors.inbound.registry import parse
from core.model.document import Document
from core.replay import replay_file
from watchkeeper.files import configuration
from watchkeeper.version import VERSION

CASES = Path(__file__).parent.parent.parent / "evals" / "cases"
DIGESTS = Path(__file__).parent / "digests.json"


def case_names() -> list[str]:
    return sorted(path.parent.name for path in CASES.glob("*/events.jsonl"))


def replay_case(case: Path) -> Document:
    with (case / "events.jsonl").open(encoding="utf-8") as lines:
        return replay_file(lines, parse, configuration(case / "catalog.yaml", None), VERSION)


def main() -> None:
    found = {name: replay_case(CASES / name)["digest"] for name in case_names()}
    text = json.dumps(found, indent=1) + "\n"
    if "--write" in sys.argv:
        DIGESTS.write_text(text)
    sys.stdout.write(text)


if __name__ == "__main__":
    main()
