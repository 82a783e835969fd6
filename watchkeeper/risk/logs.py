"""What is printed into the log of a pipeline, where runners look for commands: foreign text gives none.

GitHub's runner takes `::name::` at the beginning of a line, after blanks too, and `##[name]` anywhere in it;
that of Azure `##vso[name]` anywhere.
"""

from __future__ import annotations

import re

_ANYWHERE = re.compile(r"##(?=[a-z]{0,20}\[)", re.IGNORECASE)
_AT_START = re.compile(r"^([ \t]*):(?=:)", re.MULTILINE)


def plain_for_logs(text: str) -> str:
    """The text with a blank inside what would be a command."""
    return _AT_START.sub(r"\1: ", _ANYWHERE.sub("# #", text))


def json_for_logs(document: str) -> str:
    """The same JSON with two number signs in a row, which stand in strings alone, written as escapes."""
    return document.replace("##", r"\u0023\u0023")
