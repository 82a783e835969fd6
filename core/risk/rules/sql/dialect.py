"""Whose SQL a text is, as far as anything says it."""

from __future__ import annotations

import re
from typing import Literal

Dialect = Literal["postgres", "mysql", "other"]
_MYSQL = re.compile(
    r"`\w+`|\bENGINE\s?=\s?(?:InnoDB|MyISAM)\b|\bAUTO_INCREMENT\b|\bALGORITHM\s?=\s?(?:INPLACE|INSTANT|COPY)\b"
    r"|\bMODIFY\s(?:COLUMN\s)?\w+\s\w|\bCHANGE\sCOLUMN\b|\bUNSIGNED\b|\bDELIMITER\b|\bCONVERT\sTO\sCHARACTER\sSET\b",
    re.IGNORECASE,
)
# In a program or a changelog, where a sign of SQL may stand in any comment.
_MYSQL_CODE = re.compile(r"\bmysql_\w+ ?[=:]|\bdialects import mysql\b|\bENGINE ?= ?InnoDB\b")
_LINE_COMMENT = re.compile(r"--[^\n]*")
_OTHER = re.compile(
    r"\bAUTOINCREMENT\b|\bPRAGMA\s|\bWITHOUT\sROWID\b|\bMergeTree\b|\[dbo\]|\bdbo\.|\bNVARCHAR\b|\bVARCHAR2\b"
    r"|\bON\sCLUSTER\b",
    re.IGNORECASE,
)
_OTHER_PATHS = re.compile(r"sqlite|clickhouse|mssql|sqlserver|sql_server|oracle|snowflake|bigquery|spanner")


def dialect_of(path: str, text: str) -> Dialect:
    """By the path, then by what only one of them writes; PostgreSQL where nothing says it."""
    place = path.lower()
    if _OTHER_PATHS.search(place):
        return "other"
    if "mysql" in place or "mariadb" in place:
        return "mysql"
    if "postgres" in place or "/pg/" in place:
        return "postgres"
    if not place.endswith(".sql"):
        return "mysql" if _MYSQL_CODE.search(text) else "postgres"
    bare = _LINE_COMMENT.sub("", _without_blocks(text))
    if _OTHER.search(bare):
        return "other"
    return "mysql" if _MYSQL.search(bare) else "postgres"


def _without_blocks(text: str) -> str:
    """Without block comments, which may quote anything; those of MySQL that it runs stay."""
    parts, at = [], 0
    while (start := text.find("/*", at)) >= 0:
        end = text.find("*/", start + 2)
        stop = len(text) if end < 0 else end + 2
        parts.append(text[at : stop if text.startswith("!", start + 2) else start])
        at = stop
    return "".join((*parts, text[at:]))
