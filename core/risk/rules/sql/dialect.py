"""Whose SQL a text is, as far as anything says it."""

from __future__ import annotations

import re
from typing import Literal

Dialect = Literal["postgres", "mysql", "other"]
_MYSQL = re.compile(
    r"`\w+`|\bENGINE\s?=\s?(?:InnoDB|MyISAM)\b|\bAUTO_INCREMENT\b|\bALGORITHM\s?=\s?(?:INPLACE|INSTANT|COPY)\b"
    r"|\bMODIFY\s(?:COLUMN\s)?\w+\s\w|\bCHANGE\sCOLUMN\b|\bUNSIGNED\b|\bDELIMITER\b|\bCONVERT\sTO\sCHARACTER\sSET\b"
    r"|/\*M?!(?:\d{5,6}|\s{0,9}(?:DROP|ALTER|TRUNCATE|DELETE|UPDATE|RENAME|SET|CREATE)\s)"
    r"|^PREPARE\s\w{1,64}\sFROM\s",
    re.IGNORECASE | re.MULTILINE,
)
# In a program or a changelog, where a sign of SQL may stand in any comment.
_MYSQL_CODE = re.compile(r"\bmysql_\w+ ?[=:]|\bdialects import mysql\b|\bENGINE ?= ?InnoDB\b")
# A name in the quotes of MySQL, in a text of a program.
_MYSQL_NAME = re.compile(
    r"\b(?:TABLE|INTO|UPDATE|FROM|INDEX|ON)\s{1,9}\\?`\w{1,64}\\?`|\bENGINE ?= ?InnoDB\b"
)
_POSTGRES_CODE = re.compile(r"\bpgsql\b|\bjsonb\b|\bPostgreSQL")
SQL_ENDS = (".sql", ".ddl", ".dml", ".psql", ".pgsql")
_COMPILED = (".go", ".java", ".kt", ".kts")
_MYSQL_DRIVER = re.compile(r"go-sql-driver/mysql|\bcom\.mysql\b|\borg\.mariadb\b|gorm\.io/driver/mysql")
_SCRIPTS = (".js", ".ts", ".cjs", ".mjs", ".cts", ".mts")
# Databases that a change set of Liquibase is for.
_DBMS = re.compile(r"\bdbms[\"']?\s{0,5}[=:]\s{0,5}[\"']?([a-z][\w, ]{0,200})", re.IGNORECASE)
_FOR: tuple[tuple[Dialect, tuple[str, ...]], ...] = (
    ("postgres", ("postgres", "cockroach", "edb")),
    ("mysql", ("mysql", "mariadb")),
    ("other", ("oracle", "mssql", "db2", "snowflake")),
)
_LINE_COMMENT = re.compile(r"--[^\n]*")
_OTHER = re.compile(
    r"\bAUTOINCREMENT\b|\bPRAGMA\s|\bWITHOUT\sROWID\b|\bMergeTree\b|\[dbo\]|\bdbo\.|\bNVARCHAR\b|\bVARCHAR2\b"
    r"|\bON\sCLUSTER\b|\b(?:TABLE|FROM|INTO|UPDATE|COLUMN|ON|EXISTS|IF)\s\[\w|\]\.\[|^GO\s*$|\bsp_(?:rename|executesql)\b"
    r"|\bEXEC(?:UTE)?\s?\(|\bIDENTITY\s?\(\d|\bN?VARCHAR\s?\(MAX\)",
    re.IGNORECASE | re.MULTILINE,
)
_OTHER_PATHS = re.compile(r"sqlite|clickhouse|mssql|sqlserver|sql_server|oracle|snowflake|bigquery|spanner")


def dialect_of(path: str, text: str) -> Dialect:
    """By the path, then by what only one of them writes; PostgreSQL where nothing says it."""
    return said_by(path, text) or "postgres"


def said_by(path: str, text: str) -> Dialect | None:
    """The same; None where nothing says it."""
    place = path.lower()
    if _OTHER_PATHS.search(place):
        return "other"
    if "mysql" in place or "mariadb" in place:
        return "mysql"
    if "postgres" in place or "/pg/" in place:
        return "postgres"
    if place.endswith((".xml", ".yaml", ".yml", ".json")):
        named = " ".join(_DBMS.findall(text)[:1_000]).lower()
        return next((one for one, words in _FOR if any(word in named for word in words)), None)
    if place.endswith(_SCRIPTS):
        return "mysql" if _MYSQL_NAME.search(text) else None
    if place.endswith(_COMPILED):
        return "mysql" if _MYSQL_NAME.search(text) or _MYSQL_DRIVER.search(text) else None
    if place.endswith(".php"):
        return "postgres" if _POSTGRES_CODE.search(text) else "mysql"
    if place.endswith(".cs"):
        return "postgres" if "Npgsql" in text else "mysql" if "MySql" in text else "other"
    if not place.endswith(SQL_ENDS):
        return "mysql" if _MYSQL_CODE.search(text) else None
    bare = _LINE_COMMENT.sub("", _without_blocks(text))
    if _OTHER.search(bare):
        return "other"
    return "mysql" if _MYSQL.search(bare) else None


def _without_blocks(text: str) -> str:
    """Without block comments, which may quote anything; those of MySQL that it runs stay."""
    parts, at = [], 0
    while (start := text.find("/*", at)) >= 0:
        end = text.find("*/", start + 2)
        stop = len(text) if end < 0 else end + 2
        parts.append(text[at : stop if text.startswith("!", start + 2) else start])
        at = stop
    return "".join((*parts, text[at:]))
