"""Statements that stand inside of others: blocks, texts that are run as SQL, routines that the file calls.

A text that is put together keeps what it says, with a name nobody knows in the gaps. What is run and is not
at hand is told.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from core.risk.rules.sql.dialect import Dialect
from core.risk.rules.sql.lexer import MAX_STATEMENTS, Reader, Statement, Token, Unread
from core.words import word_set

Tokens = tuple[Token, ...]
UNKNOWN = "unknown_value"
# Blocks inside texts inside blocks.
_DEEPEST = 3
# Of all texts inside one file, as often as they are run; and texts of one name.
_MOST_SIGNS = 2_000_000
_MOST_TEXTS = 20
_MOST_NAMES = 1_000
_HEADS = frozenset({"BEGIN", "THEN", "ELSE", "LOOP"})
_ROUTINES = frozenset({"FUNCTION", "PROCEDURE", "PROC"})
_RUNS = frozenset({"EXEC", "EXECUTE"})
_FILLED = re.compile(r"%(?:\d{1,3}\$)?[ILs]")
_VERBS = word_set("DROP ALTER TRUNCATE DELETE UPDATE EXEC EXECUTE")
# A line of T-SQL that begins so begins a statement: nothing has to stand between two.
_BEGINS = (
    ("DROP", word_set("TABLE INDEX VIEW SCHEMA DATABASE PROCEDURE PROC FUNCTION TYPE")),
    ("ALTER", word_set("TABLE ROLE USER LOGIN SERVER DATABASE VIEW")),
    ("TRUNCATE", word_set("TABLE")), ("DELETE", word_set("FROM")), ("CREATE", word_set("TABLE UNIQUE INDEX")),
)  # fmt: skip
_LINES = frozenset({"EXEC", "PRINT", "DECLARE"})
_WHY = "Runs a text that is put together when it runs"
_RENAMES = frozenset({"sp_rename"})


def opened(found: list[Statement], dialect: Dialect) -> tuple[list[Statement], list[Unread]]:
    """All statements with those inside of them after each, as far as they can be seen."""
    apart = [part for one in found for part in (_lines(one) if dialect == "other" else (one,))]
    seen = _Seen(dialect, apart)
    return [each for one in apart for each in (one, *seen.inside(one, 1))], seen.unread


class _Seen:
    def __init__(self, dialect: Dialect, statements: list[Statement]) -> None:
        self.dialect, self.unread = dialect, list[Unread]()
        self.left, self.signs = MAX_STATEMENTS, _MOST_SIGNS
        self.texts: dict[str, list[Token]] = {}
        self.called: set[str] = set()
        for one in statements:
            self._note(one)

    def _note(self, one: Statement) -> None:
        """Texts that are given names, and routines that are called."""
        tokens = one.tokens
        self.called.update(_called(tokens))
        whole = _variable(tokens)
        for at, token in enumerate(tokens):
            if token.kind == "text" and at and len(self.texts) < _MOST_NAMES:
                before = [each.key for each in tokens[max(0, at - 12) : at]]
                if name := whole or _assigned(before):
                    kept = self.texts.setdefault(name, [])
                    kept += [_open_ended(token, _key(tokens, at + 1))] if len(kept) < _MOST_TEXTS else []

    def inside(self, one: Statement, deep: int) -> Iterator[Statement]:
        """What the statement runs, deepest texts left out."""
        if deep > _DEEPEST or self.left <= 0:
            return
        first = one.tokens[0].key
        body = next((each for each in one.tokens if each.kind == "text"), None)
        if first == "DO" and body is not None:
            yield from self._block(body, deep)
        elif first in _RUNS:
            yield from self._run(one, deep)
        elif first == "PREPARE":
            yield from self._prepared(one, deep)
        elif first in ("CREATE", "ALTER") and (name := _routine(one.tokens)) and name in self.called:
            yield from self._routine(one, body, deep)
        elif first in ("IF", "BEGIN", "ELSE", "WHILE") and (
            self.dialect == "other" or one.has("EXECUTE", "IMMEDIATE")
        ):
            yield from self._guarded(one, deep)

    def _block(self, body: Token, deep: int) -> Iterator[Statement]:
        for one in self._read(body.text, body.line):
            self._note(one)
            if (plain := _headless(one)).tokens:
                yield plain
                yield from self.inside(plain, deep + 1)

    def _read(self, text: str, line: int) -> list[Statement]:
        self.signs -= len(text)
        if self.signs < 0 or self.left <= 0:
            self.unread.append(Unread(line, "Runs more than is read"))
            return []
        reader = Reader(text, self.dialect, line)
        reader.read()
        self.unread += reader.unread
        kept = reader.found[: max(0, self.left)]
        self.left -= len(kept)
        return kept

    def _texts(self, texts: list[Token], deep: int, line: int) -> Iterator[Statement]:
        if not texts:
            self.unread.append(Unread(line, _WHY))
        for one in texts:
            for each in self._read(one.text.replace("''", "'"), one.line):
                yield each
                yield from self.inside(each, deep + 1)

    def _run(self, one: Statement, deep: int) -> Iterator[Statement]:
        """`EXECUTE 'text'`, `EXECUTE IMMEDIATE …`, `EXEC('text')`, `sp_executesql …`, `sp_rename …`."""
        rest = one.tokens[1:]
        names = [each.text.lower() for each in rest[:6]]
        if any(name in _RENAMES for name in names):
            yield from self._renamed(one)
        elif "sp_executesql" in names:
            yield from self._value(rest[names.index("sp_executesql") + 1 :], deep, one.line)
        elif rest and (rest[0].kind == "text" or rest[0].key in ("(", "IMMEDIATE", "FORMAT")):
            yield from self._value(rest[rest[0].key in ("(", "IMMEDIATE") :], deep, one.line)
        elif deep > 1 and rest and rest[0].key not in _ROUTINES and self.dialect == "postgres":
            # In a block what stands after EXECUTE is a text; elsewhere it is the name of what was prepared.
            yield from self._value(rest, deep, one.line)

    def _prepared(self, one: Statement, deep: int) -> Iterator[Statement]:
        at = next((at for at, each in enumerate(one.tokens) if each.key == "FROM"), 0)
        if at:
            yield from self._value(one.tokens[at + 1 :], deep, one.line)

    def _value(self, tokens: Tokens, deep: int, line: int) -> Iterator[Statement]:
        """Statements of a text, put together or named."""
        argument = _argument(tokens)
        names = [one.text.lower() for one in argument if one.kind in ("word", "name")]
        texts = [_joined(argument)] if any(one.kind == "text" for one in argument) else []
        texts += [each for name in dict.fromkeys(names) for each in self.texts.get(name, ())]
        yield from self._texts(texts, deep, line)

    def _renamed(self, one: Statement) -> Iterator[Statement]:
        texts = [each for each in one.tokens if each.kind == "text"]
        kind = texts[2].text.lower() if len(texts) > 2 else ""
        if len(texts) < 2 or kind not in ("", "column", "object"):
            return
        path = [part.strip('[]" ') for part in texts[0].text.split(".")]
        new = texts[1].text.strip('[]" ')
        table = path[-2] if kind == "column" and len(path) > 1 else path[-1]
        sql = (
            f"RENAME COLUMN {_name(path[-1])} TO {_name(new)}"
            if kind == "column"
            else f"RENAME TO {_name(new)}"
        )
        for each in self._read(f"ALTER TABLE {_name(table)} {sql}", one.line):
            yield each._replace(end=one.end)

    def _routine(self, one: Statement, body: Token | None, deep: int) -> Iterator[Statement]:
        """The body of a routine that the file calls: a text, or the statements after BEGIN."""
        if body is not None and self.dialect == "postgres":
            yield from self._block(body, deep)
            return
        start = next((at for at, each in enumerate(one.tokens) if each.key in ("BEGIN", "AS")), -1)
        part: list[Token] = []
        for each in (*one.tokens[start + 1 :], None) if start >= 0 else ():
            if each is not None and each.key != ";":
                part.append(each)
                continue
            if part and (plain := _headless(one._replace(tokens=tuple(part), line=part[0].line))).tokens:
                self.left -= 1
                yield plain
                yield from self.inside(plain, deep + 1)
            part = []

    def _guarded(self, one: Statement, deep: int) -> Iterator[Statement]:
        """`IF … DROP TABLE …` of T-SQL: what stands after the condition."""
        depth = 0
        for at, each in enumerate(one.tokens):
            depth += (each.key == "(") - (each.key == ")")
            if depth == 0 and at and each.kind == "word" and each.key in _VERBS:
                plain = one._replace(tokens=one.tokens[at:], line=each.line)
                self.left -= 1
                yield plain
                yield from self.inside(plain, deep + 1)
                return


def _headless(one: Statement) -> Statement:
    """Without the `BEGIN`, `IF … THEN`, `LOOP` that stand before it in a block."""
    heads = [at for at, token in enumerate(one.tokens) if token.key in _HEADS]
    kept = one.tokens[heads[-1] + 1 :] if heads and one.tokens[0].key != "CREATE" else one.tokens
    return one._replace(tokens=kept, line=kept[0].line if kept else one.line)


def _variable(tokens: Tokens) -> str:
    """The name of `SET @a = …` and of `SELECT … INTO @a`, all of whose texts may be what it holds."""
    if _key(tokens, 1) == "@" and tokens[0].key == "SET" and len(tokens) > 2:
        return tokens[2].text.lower()
    for at in range(len(tokens) - 2) if tokens[0].key == "SELECT" else ():
        if tokens[at].key == "INTO" and tokens[at + 1].key == "@":
            return tokens[at + 2].text.lower()
    return ""


def _assigned(before: list[str]) -> str:
    """The name that a text is given: of `a := '…'`, `a := format('…'`, `DECLARE @a NVARCHAR(MAX) = '…'`."""
    if before[-1] == "(" and before[-3:-2] == ["="]:
        before = before[:-2]
    if before[-1] != "=":
        return ""
    if "@" in before:
        at = len(before) - 1 - before[::-1].index("@")
        return before[at + 1].lower() if at + 1 < len(before) else ""
    return before[-3].lower() if before[-2:-1] == [":"] and len(before) > 2 else ""


def _open_ended(text: Token, after: str) -> Token:
    """With a name nobody knows where more is put behind it, or into it."""
    more = f" {UNKNOWN}" if after in (",", "|", "+") else ""
    return text._replace(text=_FILLED.sub(UNKNOWN, text.text) + more)


def _called(tokens: Tokens) -> Iterator[str]:
    """Routines of which a statement says `CALL f`, `EXEC f`, `SELECT f()`, `PERFORM f()`."""
    first = tokens[0].key
    if first not in ("CALL", "EXEC", "EXECUTE", "SELECT", "PERFORM"):
        return
    for at, each in enumerate(tokens[1:12], 1):
        if each.kind in ("word", "name") and (
            first not in ("SELECT", "PERFORM") or _key(tokens, at + 1) == "("
        ):
            yield each.text.lower()


def _routine(tokens: Tokens) -> str:
    """The name of the routine that is made, without its schema."""
    at = next((at for at, each in enumerate(tokens[:9]) if each.key in _ROUTINES), 0)
    if not at:
        return ""
    at += 1
    while _key(tokens, at) in ("IF", "NOT", "EXISTS"):
        at += 1
    while _key(tokens, at + 1) == ".":
        at += 2
    return tokens[at].text.lower() if at < len(tokens) else ""


def _key(tokens: Tokens, at: int) -> str:
    return tokens[at].key if at < len(tokens) else ""


def _name(text: str) -> str:
    return '"' + "".join(sign for sign in text if sign.isprintable() and sign not in '"[]')[:200] + '"'


def _argument(tokens: Tokens) -> Tokens:
    """Up to what is given to the text (`USING`, `INTO`), and to the comma of `sp_executesql`."""
    depth, kept = 0, []
    for one in tokens:
        depth += (one.key == "(") - (one.key == ")")
        if depth < 0 or (depth == 0 and one.key in ("USING", "INTO", ",", "AT")):
            break
        kept.append(one)
    return tuple(kept)


def _joined(tokens: Tokens) -> Token:
    """One text of all, with a name nobody knows for what is put between."""
    parts: list[str] = []
    filled = "FORMAT" in (one.key for one in tokens[:1])
    for one in tokens:
        if one.kind == "text" and not (filled and parts):
            parts.append(_FILLED.sub(UNKNOWN, one.text) if filled else one.text)
        elif one.kind in ("word", "name") and parts and parts[-1] != UNKNOWN and not filled:
            parts.append(UNKNOWN)
    first = next(one for one in tokens if one.kind == "text")
    return Token("text", "'", "".join(parts), first.line)


def _lines(one: Statement) -> Iterator[Statement]:
    """The statements of T-SQL that nothing separates, but where a routine or a MERGE holds them."""
    tokens = one.tokens
    if len(tokens) < 4 or tokens[0].key in ("MERGE", "GRANT") or _routine(tokens) or one.has("TRIGGER"):
        yield one
        return
    start, depth = 0, 0
    for at, each in enumerate(tokens):
        depth += (each.key == "(") - (each.key == ")")
        if at > start and depth == 0 and each.line > tokens[at - 1].line and _begins(tokens, at):
            yield Statement(tokens[start:at], tokens[start].line, tokens[at - 1].line, False, one.alone)
            start = at
    yield one._replace(tokens=tokens[start:], line=tokens[start].line)


def _begins(tokens: Tokens, at: int) -> bool:
    first, second = tokens[at].key, _key(tokens, at + 1)
    return first in _LINES or any(first == verb and second in kinds for verb, kinds in _BEGINS)
