"""Reading the operator's files, and the rule bundle that ships, into configuration records' contents."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Any

from connectors.inbound.registry import MAPPINGS, check_mapping
from core.config import config_draft
from core.errors import InputError
from core.journal import Draft
from core.model.catalogue import parse_catalogue
from core.remediation import runbook
from core.remediation.levels import parse_levels
from core.rules import loader
from watchkeeper.version import VERSION


def read_text(path: Path, what: str) -> str:
    """Raises InputError naming the file and what it was wanted for."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise InputError("not UTF-8 text", where=str(path), mend=f"Save the {what} as UTF-8") from None
    except OSError as error:
        raise InputError(
            f"the {what} cannot be read ({error.strerror})",
            where=str(path),
            mend="Check path and permissions",
        ) from None


def builtin_rules(bundle: str = loader.BUILTIN) -> dict[str, str]:
    """The files of a bundle that ships, one of `loader.BUNDLES`."""
    return _bundle("core.rules", bundle)


def builtin_runbooks() -> dict[str, str]:
    return _bundle("core.remediation", runbook.BUILTIN)


def builtin_mappings() -> dict[str, str]:
    """The mappings that ship: texts by the name of their source."""
    texts = _bundle("connectors.inbound", MAPPINGS)
    return {name.removesuffix(".yaml"): text for name, text in texts.items()}


def sources_content(directory: Path | None) -> dict[str, Any]:
    """The content of the `sources` document: the built-in mappings, replaced and joined by the operator's."""
    texts = {f"{name}.yaml": text for name, text in builtin_mappings().items()}
    bundle = MAPPINGS
    if directory is not None:
        own = _own(directory, "mapping file")
        for where, text in own.items():
            check_mapping(text, where)
        texts = {**texts, **{f"{Path(name).stem}.yaml": text for name, text in own.items()}}
        bundle = f"{bundle}+{directory.name}"
    return {"bundle": bundle, "files": texts}


def mappings(directory: Path | None) -> dict[str, str]:
    """The mappings in force with the operator's `directory`: texts by the name of their source."""
    files: dict[str, str] = sources_content(directory)["files"]
    return {name.removesuffix(".yaml"): text for name, text in files.items()}


def rules_content(directory: Path | None) -> dict[str, Any]:
    """The content of the `rules` document: the built-in files with the operator's in their place. An empty
    directory is no file of the operator's: what ships."""
    texts, bundle = builtin_rules(), loader.BUILTIN
    if directory is not None and (own := _own(directory, "rule file", may_be_empty=True)):
        laid = loader.overlay(texts, own)
        loader.parse_rules(laid)  # Under their paths, so that a fault names the file that people know.
        texts, bundle = _by_name(laid), f"{bundle}+{directory.name}"
    loader.parse_rules(texts, bundle=bundle)
    return {"bundle": bundle, "files": texts}


def runbooks_content(directory: Path | None) -> dict[str, Any]:
    """The content of the `runbooks` document: the built-in ones, replaced and joined by the operator's."""
    texts, bundle = builtin_runbooks(), runbook.BUILTIN
    if directory is not None and (own := _own(directory, "runbook", may_be_empty=True)):
        texts = _by_name(runbook.overlay(texts, own))
        bundle = f"{bundle}+{directory.name}"
    runbook.parse_runbooks(texts, bundle=bundle)
    return {"bundle": bundle, "files": texts}


def _bundle(package: str, name: str) -> dict[str, str]:
    folder = resources.files(package) / name
    found = [item for item in folder.iterdir() if item.name.endswith(".yaml")]
    return {item.name: item.read_text(encoding="utf-8") for item in sorted(found, key=lambda f: f.name)}


def empty(directory: Path | None) -> bool:
    """Whether it is there, and holds no file that would be read."""
    return directory is not None and directory.is_dir() and not _yaml_in(directory)


def _yaml_in(directory: Path) -> list[Path]:
    return sorted(path for path in directory.iterdir() if path.suffix in (".yaml", ".yml"))


def _own(directory: Path, what: str, *, may_be_empty: bool = False) -> dict[str, str]:
    if not directory.is_dir():
        raise InputError("not a directory", where=str(directory), mend=f"Give a directory of {what}s")
    own = {str(path): read_text(path, what) for path in _yaml_in(directory)}
    if not own and not may_be_empty:
        raise InputError(f"no {what}s in it", where=str(directory), mend="Add files ending in .yaml")
    return own


def _by_name(texts: dict[str, str]) -> dict[str, str]:
    return {Path(name).name: text for name, text in texts.items()}


def levels_content(path: Path | None) -> str:
    """Without a file: the most careful. Always a document, so that a file taken away holds no longer."""
    if path is None:
        return "default: 1\n"
    text = read_text(path, "levels file")
    parse_levels(text, str(path))
    return text


def catalogue_content(path: Path) -> str:
    text = read_text(path, "catalogue")
    parse_catalogue(text, str(path))
    return text


def configuration(
    catalogue: Path | None,
    rules: Path | None,
    runbooks: Path | None = None,
    levels: Path | None = None,
    sources: Path | None = None,
) -> list[Draft]:
    """The records that a replay of a recording begins with."""
    drafts = [
        config_draft("program", VERSION),
        config_draft("rules", rules_content(rules)),
        config_draft("runbooks", runbooks_content(runbooks)),
        config_draft("levels", levels_content(levels)),
        config_draft("sources", sources_content(sources)),
    ]
    if catalogue is not None:
        drafts.append(config_draft("catalogue", catalogue_content(catalogue)))
    return drafts


def demo_cases() -> list[Path]:
    """The recorded cases that the demo plays, in their order. All were recorded from the same shop."""
    cases = Path(str(resources.files("evals") / "cases"))
    return [cases / name for name in ("bad-deploy", "dead-dependency", "two-troubles", "bad-deploy-again")]
