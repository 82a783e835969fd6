"""Files that conventions join to what a change touches: the lock file of a manifest, the tests of a module.

Whoever reads the repository gives the paths; this says which of them matter.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from core.risk.paths import is_aside, is_test

# Name of a manifest: names of the lock files that its package managers write.
LOCKS: dict[str, tuple[str, ...]] = {
    "package.json": ("package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml", "bun.lock"),
    "pyproject.toml": ("poetry.lock", "uv.lock", "pdm.lock"),
    "pipfile": ("pipfile.lock",),
    "cargo.toml": ("cargo.lock",),
    "gemfile": ("gemfile.lock",),
    "go.mod": ("go.sum",),
}
_TEST_WORDS = re.compile(r"^test_|[._-](?:tests?|spec)$|(?:Tests?|TestCase|Spec|IT)$")
# Every other folder has one of these: a test of that name may belong to any.
_COMMON = frozenset(
    re.findall(r"\S+", "__init__ index main mod lib app util utils types models views config helpers")
)
_CODE = frozenset(
    re.findall(
        r"\S+",
        "py pyi js jsx ts tsx mjs cjs go rs rb java kt kts scala groovy cs fs swift php c h cc cpp hpp m mm "
        "ex exs erl clj cljs dart lua pl sh bash zig vue svelte",
    )
)


def is_code(path: str) -> bool:
    """Source code that people wrote and that runs, judged by its name."""
    return path.rpartition(".")[2].lower() in _CODE and "." in path and not is_aside(path)


def locks_of(manifest: str) -> Iterator[str]:
    """Where the lock file of a manifest may be: beside it, or above it for a workspace. In small letters."""
    folder, _, name = manifest.lower().rpartition("/")
    for lock in LOCKS.get(name, ()):
        above = folder
        while above:
            yield f"{above}/{lock}"
            above = above.rpartition("/")[0]
        yield lock


def stem(path: str) -> str:
    """The name of a file without its ending and without what marks it as a test, in small letters."""
    name = path.rpartition("/")[2]
    base = name.rpartition(".")[0] or name
    return _TEST_WORDS.sub("", base).lower()


def tests_of(path: str, tests: Iterable[str]) -> Iterator[str]:
    """Those of `tests` that are named after the module `path`."""
    name, folder = stem(path), path.rpartition("/")[0]
    for test in tests:
        near = test.startswith(f"{folder}/") if folder else "/" not in test
        if stem(test) == name and (near or name not in _COMMON):
            yield test


def chart_of(path: str) -> str:
    """Where the description of a Helm chart stands, of which a file may be a template; "" of other files."""
    folder, found, _ = f"/{path}".rpartition("/templates/")
    return f"{folder}/Chart.yaml".removeprefix("/") if found else ""


def beside(touched: Iterable[str], tree: Iterable[str]) -> tuple[str, ...]:
    """The paths of `tree` that matter for the files of a change, sorted: for `Known.beside`."""
    paths = list(touched)
    locks = {lock for path in paths for lock in locks_of(path)}
    charts = {chart for path in paths if (chart := chart_of(path))}
    names = {stem(path) for path in paths if is_code(path)}
    found, tests = set(), []
    for path in tree:
        if path.lower() in locks or path in charts:
            found.add(path)
        elif is_test(path) and stem(path) in names:
            tests.append(path)
    by_stem: dict[str, list[str]] = {}
    for test in tests:
        by_stem.setdefault(stem(test), []).append(test)
    for path in filter(is_code, paths):
        found.update(tests_of(path, by_stem.get(stem(path), ())))
    return tuple(sorted(found))
