"""Rule files with clocks of seconds instead of minutes, so that a test sees every timer fire."""

from __future__ import annotations

from pathlib import Path

import yaml

from watchkeeper.files import builtin_rules

_PREFIX = {"lifecycle": "", "notify": "", "explain": "explain_"}


def quick_rules(folder: Path, **changes: object) -> Path:
    """A directory for `--rules`: the built-in lifecycle, notify and explain rules with `changes` to their
    keys; those of explain are named `explain_wait` and `explain_again_after`."""
    folder.mkdir()
    used = set()
    for name, text in builtin_rules().items():
        rule = yaml.safe_load(text)
        if rule["rule"] not in _PREFIX:
            continue
        names = {key: _PREFIX[rule["rule"]] + key for key in rule}
        mine = {key: changes[names[key]] for key in rule if names[key] in changes}
        used |= {names[key] for key in mine}
        (folder / name).write_text(yaml.safe_dump({**rule, **mine}))
    assert used == set(changes), f"no such key: {set(changes) - used}"
    return folder
