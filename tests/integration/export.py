"""An exported journal, read as what it is: JSON lines. No product code, so that it can bear witness."""

from __future__ import annotations

import base64
import json
from collections import Counter
from pathlib import Path
from typing import Any

from tests.integration.load import PROBE


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def body(line: dict[str, Any]) -> Any:
    """What was sent, whichever of the three forms the line has it in."""
    if "body" in line:
        return line["body"]
    raw = line["body_text"] if "body_text" in line else base64.b64decode(line["body_base64"])
    return json.loads(raw)


def labels_stored(path: Path) -> Counter[str]:
    """How often each label of the load's bodies is in the export."""
    found: Counter[str] = Counter()
    for line in lines(path):
        if line["kind"] == "ingest":
            found.update(_labels(line["source"], body(line)))
    return found


def _labels(source: str, document: Any) -> list[str]:
    if source == "change":
        return [document["version"]]
    alerts = document["alerts"] if isinstance(document, dict) else document
    return [alert["labels"][PROBE] for alert in alerts]
