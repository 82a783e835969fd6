"""Alerts of our own on the path of alerts: how they are called and which labels they bear.

`core/silent_source.py` and `core/watchdog.py` raise them; findings and titles know them again by these names.
"""

from __future__ import annotations

SOURCE = "watchkeeper"
SOURCE_SILENT, WATCHDOG_SILENT = "SourceSilent", "WatchdogSilent"
# A silent source has it when it was not heard at all since it is expected.
NEVER_HEARD = "heard"
# A watchdog has it, and it says so, when its sender resolved it.
TROUBLE = "trouble"
# The other labels of the watchdog, in words, by which people tell two apart.
WATCHDOG_LABELS = "watchdog_labels"
