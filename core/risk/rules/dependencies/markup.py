"""Manifests of Maven, Gradle and .NET, read by their lines: no parser of XML sees a stranger's text."""

from __future__ import annotations

import re

from core.risk.rules.dependencies.asked import Asked, Rows, lines

_TAG = re.compile(r"<(/?[A-Za-z][\w.-]*)>(?:([^<>]*)</)?")
_COORDINATES = re.compile(r"""["']([\w.-]+:[\w.-]+):([\w.+\[\](),-]+)["']""")
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
