"""What a path says of a file by well-known conventions: a test, documentation, generated, somebody else's.

Paths have `/` between their parts. Letters count small or large alike; nothing here looks into a file. What
runs by its place or kind (core/risk/places.py) is none of these.
"""

from __future__ import annotations

import re
from functools import lru_cache

from core.risk.places import runs_as
from core.words import word_set

_TEST_DIRS = word_set(
    "test tests testing __tests__ __mocks__ spec specs testdata test_data fixtures __fixtures__ "
    "e2e it-tests mocks"
)
_DOC_DIRS = word_set("doc docs documentation example examples sample samples demo demos")
_VENDORED_DIRS = word_set(
    "vendor vendored third_party third-party thirdparty node_modules bower_components site-packages "
    ".yarn external_libs"
)
_GENERATED_DIRS = word_set("generated __generated__ gen-go .generated __snapshots__")
LOCK_FILES = word_set(
    "package-lock.json npm-shrinkwrap.json yarn.lock pnpm-lock.yaml bun.lock bun.lockb poetry.lock uv.lock "
    "pdm.lock pipfile.lock cargo.lock gemfile.lock go.sum composer.lock mix.lock pubspec.lock podfile.lock "
    "flake.lock packages.lock.json gradle.lockfile .terraform.lock.hcl chart.lock"
)
_DOC_NAMES = word_set(
    "license licence notice authors contributors codeowners changelog changes history news readme "
    "contributing security copying code_of_conduct"
)
_DOC_ENDS = (".md", ".markdown", ".rst", ".adoc", ".asciidoc", ".mdx")
_TEST_NAME = re.compile(
    r"(?:test_.*|conftest\.py|tests?\.py|.*_tests?\.[a-z]+|.*[._-]spec\.(?:[cm]?[jt]sx?|rb|lua|exs?|dart)"
    r"|.*[._-]test\.[a-z]+)",
    re.DOTALL,
)
# Java, Kotlin, C# and their like: FooTest.java, FooTests.cs, FooIT.java.
_TEST_CLASS = re.compile(r".*(?:Tests?|TestCase|Spec|IT)\.(?:java|kt|scala|groovy|cs|swift|php)", re.DOTALL)
_GENERATED_NAME = re.compile(
    r".*(?:\.min\.(?:js|css)|\.map|\.pb\.go|\.pb\.(?:cc|h)|_pb2(?:_grpc)?\.pyi?|_pb\.(?:js|d\.ts)|\.pb\.gw\.go"
    r"|\.g\.dart|\.freezed\.dart|\.designer\.cs|\.g\.cs|_generated\.[a-z]+|\.generated\.[a-z]+|\.gen\.[a-z]+"
    r"|zz_generated\.[a-z_.]+|\.snap|bindata\.go)",
    re.DOTALL,
)
# What a tool runs because of where it stands, whatever its name.
_PIPELINES = (".github/workflows/", ".github/actions/", ".gitlab/", ".circleci/", ".buildkite/")


def is_test(path: str) -> bool:
    """Tests, and the data that they read."""
    if path.lower().startswith(_PIPELINES) or runs_as(path):
        return False
    *folders, name = path.split("/")
    return any(part.lower() in _TEST_DIRS for part in folders) or (
        not name.lower().endswith(".sql")
        and (_TEST_NAME.fullmatch(name.lower()) is not None or _TEST_CLASS.fullmatch(name) is not None)
    )


def is_docs(path: str) -> bool:
    """Documentation and examples: nothing of it runs where people depend on it."""
    if runs_as(path):
        return False
    *folders, name = path.lower().split("/")
    return (
        any(part in _DOC_DIRS for part in folders)
        or name.endswith(_DOC_ENDS)
        or (name.partition(".")[0] in _DOC_NAMES and name.partition(".")[2] in ("", "txt"))
    )


def is_lock(path: str) -> bool:
    """Lock files of package managers."""
    return path.rpartition("/")[2].lower() in LOCK_FILES


def is_vendored(path: str) -> bool:
    """Copied from other projects."""
    return not runs_as(path) and any(part in _VENDORED_DIRS for part in path.lower().split("/")[:-1])


def is_generated(path: str) -> bool:
    """Made by a program from something else: lock files, minified and compiled text; what is vendored too."""
    if is_lock(path):
        return True
    if runs_as(path):
        return False
    *folders, name = path.lower().split("/")
    return (
        is_vendored(path)
        or any(part in _GENERATED_DIRS for part in folders)
        or (_GENERATED_NAME.fullmatch(name) is not None and not name.endswith(".sql"))
    )


@lru_cache(maxsize=8_192)
def is_aside(path: str) -> bool:
    """Tests, documentation, generated or vendored: what rules leave alone unless they say otherwise."""
    return is_test(path) or is_docs(path) or is_generated(path)


@lru_cache(maxsize=4_096)
def glob_pattern(glob: str) -> str:
    """A path glob as a pattern of RE2: `*` and `?` stay within a folder, `**` crosses folders, a trailing `/`
    is all that is below, a folder stands for all in it, a glob without `/` inside is a name in any folder.
    All else stands for itself."""
    text = glob.rstrip("/")
    text = text.removeprefix("/") if "/" in text else f"**/{text}"
    parts = re.split(r"(\*\*/|\*\*|\*|\?)", text)
    meaning = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    body = "".join(meaning[part] if part in meaning else _literal(part) for part in parts)
    return f"(?s){body}{'/.*' if glob.endswith('/') else '(?:/.*)?'}"


def _literal(text: str) -> str:
    return "".join(sign if sign.isalnum() or sign in "/_-" else rf"\x{{{ord(sign):x}}}" for sign in text)
