"""Manifests of Maven, Gradle, sbt, Mix and .NET, read by their lines: no parser of XML sees their text."""

from __future__ import annotations

import re

from core.risk.rules.dependencies.asked import Asked, Rows, lines

_TAG = re.compile(r"<(/?[A-Za-z][\w.-]*)>(?:([^<>]*)</)?")
_COORDINATES = re.compile(r"""["']([\w.-]+:[\w.-]+):([\w.+\[\](),-]+)["']""")
# Of a `plugins` block, in both languages of Gradle.
_PLUGIN = re.compile(
    r"""\b(id|kotlin)\s{0,3}\(?\s{0,3}["']([\w.-]{1,200})["']\s{0,3}\)?\s{0,3}\.?version\s{0,3}\(?\s{0,3}["']([^"'$]{1,100})["']"""
)
# Plugins that bring what runs; others only build, check or pack it.
_FRAMEWORK = re.compile(
    r"springframework|spring\.dependency|^kotlin|jetbrains\.kotlin|quarkus|micronaut|grails|ktor|android|vaadin|protobuf"
)
_SBT = re.compile(
    r"""["']([\w.-]{1,200})["']\s{1,5}%{1,3}\s{1,5}["']([\w.-]{1,200})["']\s{1,5}%\s{1,5}["']([^"'$]{1,100})["']"""
)
_MIX = re.compile(r"""\{\s{0,5}:(\w{1,100})\s{0,5},\s{0,5}(?:"([^"]{1,200})")?([^}]{0,500})""")
_MIX_SOURCE = re.compile(r"""\b(git|github|path):\s{0,5}"([^"]{1,300})\"""")
_MIX_HELD = re.compile(r"""\b(?:ref|tag):\s{0,5}"([^"]{1,100})\"""")
_MIX_WORK = re.compile(r"""\bonly:\s{0,5}(?:\[[^\]]{0,100}\]|:\w{1,20})""")
_PACKAGE = re.compile(
    r"<(PackageReference|PackageVersion|GlobalPackageReference|package)\b([^<>]{0,600}?)(/?)>"
)
_ATTRIBUTE = re.compile(
    r"""\b(Include|Update|Version|VersionOverride|PrivateAssets|id|version)\s*=\s*["']([^"']{0,300})["']"""
)
_INNER = re.compile(r"<(Version|PrivateAssets)>\s*([^<>]{1,200}?)\s*</")


def pom(text: str) -> Rows:
    properties: dict[str, str] = {}
    rows: list[dict[str, str]] = []
    row: dict[str, str] = {}
    inside = ""
    for line in lines(text):
        for tag, value in _TAG.findall(line):
            if tag in ("dependency", "parent", "plugin"):
                row, inside = {}, tag
            elif inside and tag == f"/{inside}":
                rows.append(row)
                inside = ""
            elif inside and tag in ("groupId", "artifactId", "version", "scope"):
                row.setdefault(tag, value.strip())
            elif value:
                properties.setdefault(tag, value.strip())
    for one in rows:
        said = one.get("version", "")
        said = properties.get(said[2:-1], "") if said.startswith("${") else said
        if said:
            name = f"{one.get('groupId', '')}:{one.get('artifactId', '')}"
            yield name, Asked(said, one.get("scope") == "test", "", True)


def gradle(text: str) -> Rows:
    for line in lines(text):
        dev = line.lstrip().lower().startswith(("test", "androidtest"))
        for name, said in _COORDINATES.findall(line):
            yield name, Asked(said, dev, "", True)
        for kind, name, said in _PLUGIN.findall(line):
            yield plugin(f"org.jetbrains.kotlin.{name}" if kind == "kotlin" else name, said)


def plugin(name: str, said: str) -> tuple[str, Asked]:
    """A plugin of Gradle, under a name that no library has."""
    return f"{name} (plugin)", Asked(said, _FRAMEWORK.search(name) is None, "", True)


def sbt(text: str) -> Rows:
    for line in lines(text):
        for group, artefact, said in _SBT.findall(line.partition("//")[0]):
            dev = "addSbtPlugin" in line or re.search(r"%\s*[\"']?(?i:test|it)\b", line) is not None
            yield f"{group}:{artefact}", Asked(said, dev, "", True)


def mix(text: str) -> Rows:
    """`{:phoenix, "~> 1.7"}` of mix.exs."""
    flat = "\n".join(line.partition(" #")[0] if line.lstrip()[:1] != "#" else "" for line in lines(text))
    for name, said, rest in _MIX.findall(flat):
        where = _MIX_SOURCE.search(rest)
        if where is not None and where[1] == "path":
            continue
        only = _MIX_WORK.search(rest)
        dev = only is not None and "prod" not in only[0]
        held = _MIX_HELD.search(rest)
        source = f"git+{where[2]}" + (f"@{held[1]}" if held else "") if where is not None else ""
        if said or source:
            yield name, Asked(said, dev, source, True)


def project_of_net(text: str) -> Rows:
    """`PackageReference` of a project, `PackageVersion` of central packages, `package` of the old form."""
    open_one: dict[str, str] = {}
    for line in lines(text):
        for kind, inside, closed in _PACKAGE.findall(line):
            row = {name.lower(): value for name, value in _ATTRIBUTE.findall(inside)}
            open_one = {} if closed else row
            if closed:
                yield from _of_net(row, kind)
        for name, value in _INNER.findall(line):
            open_one.setdefault(name.lower(), value)
        if "</Package" in line:
            yield from _of_net(open_one, "PackageReference")
            open_one = {}


def _of_net(row: dict[str, str], kind: str) -> Rows:
    name = row.get("include") or row.get("update") or row.get("id", "")
    said = row.get("versionoverride") or row.get("version", "")
    if name and said and "$" not in said:
        dev = row.get("privateassets", "").lower() == "all" or kind == "GlobalPackageReference"
        yield name.lower(), Asked(said.strip("[]()") if "," not in said else said, dev, "", True)
