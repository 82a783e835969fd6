"""Manifests of package managers read to what they ask for, by name.

Tolerant: what a manifest of that kind does not say in the usual way is left out; nothing raises for a text.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable
from typing import Any

from core.risk.rules.dependencies.asked import LONGEST_LINE, LONGEST_TEXT, Asked, Read, Rows, lines
from core.risk.rules.dependencies.markup import gradle, mix, plugin, pom, project_of_net, sbt

_DEV = frozenset(
    ("dev", "develop", "development", "test", "tests", "testing", "docs", "lint", "typing", "ci")
)


_REQUIREMENT = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)[ \t]*(?:\[[^\]]*\])?[ \t]*\(?([^;#)]*)")
_EGG = re.compile(r"#egg=([A-Za-z0-9._-]+)")
_GEM = re.compile(r"""\s*gem[ \t(]*["']([\w.-]+)["']([^#]*)""")
_QUOTED = re.compile(r"""["']([^"']*)["']""")
_GEM_SOURCE = re.compile(r"""(?:git|github|path)(?::|\s*=>)\s*["']([^"']*)["']""")
_GO_MAJOR = re.compile(r"/v\d+$")
# Types and checks for whoever writes the program; nothing of them runs with it.
_FOR_WORK = ("@types/", "@typescript-eslint/", "eslint", "prettier", "stylelint")
# The library's reader takes time with the square of a key's parts.
_MOST_DOTS = 1_000


def read(path: str, text: str | None) -> Read | None:
    """What the manifest asks for; None where it is none, not there, too long or broken."""
    reader = reader_of(path)
    if reader is None or text is None or len(text) > LONGEST_TEXT:
        return None
    try:
        found = dict(reader(text))
        return {name: one._replace(dev=True) for name, one in found.items()} if _for_dev(path) else found
    except (ValueError, RecursionError):
        return None


def _toml(text: str) -> dict[str, Any]:
    """Raises ValueError, also for keys that no manifest has."""
    if any(line.count(".") > _MOST_DOTS for line in text.split("\n")):
        raise ValueError("a key of too many parts")
    return tomllib.loads(text)


def reader_of(path: str) -> Callable[[str], Rows] | None:
    name = path.rpartition("/")[2].lower()
    if name.endswith((".txt", ".in")) and ("requirements" in name or "constraints" in name):
        return _requirements
    if name.endswith((".gradle", ".gradle.kts")):
        return gradle
    if name.endswith((".csproj", ".fsproj", ".vbproj")):
        return project_of_net
    return _READERS.get(name)


def _for_dev(path: str) -> bool:
    """requirements-dev.txt, requirements/test.in and their like: nothing of it is deployed."""
    tail = "/".join(path.lower().split("/")[-2:])
    return "requirements" in tail and not _DEV.isdisjoint(re.split(r"[^a-z]+", tail))


def python_name(name: str) -> str:
    """As the index of Python packages compares names."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _requirements(text: str) -> Rows:
    for line in lines(text):
        if (row := _requirement(line)) is not None:
            yield row


def _requirement(line: str, dev: bool = False) -> tuple[str, Asked] | None:
    said = line.strip().removeprefix("-e ").removeprefix("--editable ").strip()
    if "://" in said and (egg := _EGG.search(said)):
        return python_name(egg[1]), Asked("", dev, said)
    found = _REQUIREMENT.match(said)
    if found is None or "://" in said.partition("@")[0]:
        return None
    rest = found[2].strip().rstrip("\\").strip()
    if rest.startswith("@"):
        return python_name(found[1]), Asked("", dev, said.partition("@")[2].strip())
    return python_name(found[1]), Asked(rest.partition(" --")[0].strip(), dev, "", True)


def _pyproject(text: str) -> Rows:
    data = _toml(text)
    project, poetry = _table(data, "project"), _table(data, "tool", "poetry")
    groups = [("", project.get("dependencies"))]
    groups += _table(project, "optional-dependencies").items()
    groups += [(f"{name} dev", rows) for name, rows in _table(data, "dependency-groups").items()]
    for group, rows in groups:
        dev = not _DEV.isdisjoint(group.lower().split())
        for row in rows if isinstance(rows, list) else ():
            if isinstance(row, str) and (one := _requirement(row[:LONGEST_LINE], dev)):
                yield one
    yield from _named(_table(poetry, "dependencies"), False, python_name)
    yield from _named(_table(poetry, "dev-dependencies"), True, python_name)
    for group in _table(poetry, "group").values():
        yield from _named(_table(group, "dependencies"), True, python_name)


def _cargo(text: str) -> Rows:
    data = _toml(text)
    for table in (data, _table(data, "workspace"), *_table(data, "target").values()):
        for key, dev in (("dependencies", False), ("build-dependencies", False), ("dev-dependencies", True)):
            yield from _named(_table(table, key), dev, str.lower)


def _named(table: dict[str, Any], dev: bool, name_of: Callable[[str], str]) -> Rows:
    """A table of names to a version, or to a table with one."""
    for name, value in table.items():
        if isinstance(value, str):
            yield name_of(name), Asked(value, dev)
        elif isinstance(value, dict) and not {"path", "workspace"} & value.keys():
            pinned = f"@{value['rev']}" if "rev" in value else ""
            source = str(value.get("git") or value.get("url") or "")
            said = str(value.get("version", ""))
            yield name_of(name), Asked(said, dev, f"git+{source}{pinned}" if source else "")


def _package_json(text: str) -> Rows:
    data = json.loads(text)
    kinds = (("devDependencies", True), ("optionalDependencies", False), ("dependencies", False))
    for kind, dev in kinds:
        for name, said in _table(data, kind).items():
            if isinstance(said, str) and not said.startswith(("workspace:", "file:", "link:", "portal:")):
                named = said.rpartition("@")[2] if said.startswith("npm:") else said
                foreign = "/" in named or ":" in named
                work = dev or name.startswith(_FOR_WORK)
                yield name, Asked("" if foreign else named, work, named if foreign else "", True)


def _composer(text: str) -> Rows:
    data = json.loads(text)
    for kind, dev in (("require-dev", True), ("require", False)):
        for name, said in _table(data, kind).items():
            if isinstance(said, str) and "/" in name:
                yield name.lower(), Asked(said, dev, "", True)


def _go_mod(text: str) -> Rows:
    """A module's major version is the end of its path: the same name for all of them here."""
    block = ""
    for line in lines(text):
        words = line.split("//")[0].split()
        if words and words[-1] == "(":
            block = words[0]
        elif words and words[0] == ")":
            block = ""
        elif words and "replace" in (words[0], block) and "=>" in words:
            name = next((word for word in words if word != "replace"), "")
            yield f"replace {name}", Asked("", False, " ".join(words[words.index("=>") + 1 :]))
        elif block in ("", "require") and "// indirect" not in line:
            module, said = [*words, "", ""][words[:1] == ["require"] :][:2]
            if "." in module and said.startswith("v"):
                yield _GO_MAJOR.sub("", module), Asked(said, False, "", True)


def _gemfile(text: str) -> Rows:
    for line in lines(text):
        if found := _GEM.match(line):
            source = _GEM_SOURCE.search(found[2])
            said = [one for one in _QUOTED.findall(found[2]) if one and one[0] in "0123456789~><=!"]
            yield found[1], Asked(", ".join(said), "test" in found[2], source[1] if source else "", True)


def _catalogue(text: str) -> Rows:
    """Gradle's catalogue of versions, `libs.versions.toml`."""
    data = _toml(text)
    versions = _table(data, "versions")
    for alias, row in _table(data, "libraries").items():
        if isinstance(row, str):
            name, _, said = row.rpartition(":")
            yield name, Asked(said, False, "", True)
        elif isinstance(row, dict):
            said = row.get("version", "")
            said = versions.get(str(said.get("ref")), "") if isinstance(said, dict) else said
            name = str(row.get("module") or f"{row.get('group', '')}:{row.get('name', alias)}")
            if isinstance(said, str) and said:
                yield name, Asked(said, False, "", True)
    for row in _table(data, "plugins").values():
        name, _, said = row.rpartition(":") if isinstance(row, str) else ("", "", "")
        if isinstance(row, dict):
            name, version = str(row.get("id") or ""), row.get("version", "")
            said = versions.get(str(version.get("ref")), "") if isinstance(version, dict) else version
        if name and isinstance(said, str) and said:
            yield plugin(name, said)


def _table(data: Any, *keys: str) -> dict[str, Any]:
    for key in keys:
        data = data.get(key) if isinstance(data, dict) else None
    return data if isinstance(data, dict) else {}


_READERS: dict[str, Callable[[str], Rows]] = {
    "pyproject.toml": _pyproject,
    "package.json": _package_json,
    "go.mod": _go_mod,
    "cargo.toml": _cargo,
    "gemfile": _gemfile,
    "pom.xml": pom,
    "composer.json": _composer,
    "directory.packages.props": project_of_net,
    "packages.config": project_of_net,
    "libs.versions.toml": _catalogue,
    "mix.exs": mix,
    "build.sbt": sbt,
    "plugins.sbt": sbt,
}
