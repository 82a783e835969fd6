"""The naive baseline: a search for words that look dangerous, in whatever a change adds or removes."""

from __future__ import annotations

import re

from core.risk.change import ChangeSet

WORDS = (
    "drop alter delete truncate update rename lock password passwd secret token api_key private_key "
    "0.0.0.0/0 privileged hostnetwork allow_all public-read latest force destroy prevent_destroy replicas "
    "timeout limits required deprecated security reserved rpc major revert hotfix eval exec curl sudo chmod "
    "permissions"
)
_LONGEST = 2_000
_ANY = re.compile(rf"(?<![a-z])(?:{'|'.join(map(re.escape, WORDS.split()))})", re.IGNORECASE)


def alarmed(change: ChangeSet) -> bool:
    """Whether any changed line, or the title, holds one of the words."""
    lines = (line.text for file in change.files for line in (*file.added, *file.removed))
    return any(_ANY.search(text[:_LONGEST]) for text in (change.title, *lines))
