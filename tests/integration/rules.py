"""Rule files with clocks of seconds instead of minutes, so that a test sees every timer fire."""

from __future__ import annotations

from pathlib import Path

import yaml

from watchkeeper.files import builtin_rules


def quick_rules(folder: Path, **changes: object) -> Path:
    """A directory for `--rules`: the built-in lifecycle and notify rules with `changes` to their keys."""
    folder.mkdir()
    used = set()
    for name, text in builtin_rules().items():
        rule = yaml.safe_load(text)
        if rule["rule"] in ("lifecycle", "notify"):
            mine = {key: value for key, value in changes.items() if key in rule}
            used |= set(mine)
            (folder / name).write_text(yaml.safe_dump({**rule, **mine}))
    assert used == set(changes), f"no such key: {set(changes) - used}"
    return folder
