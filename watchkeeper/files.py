"""Reading the operator's files, and the rule bundle that ships, into configuration records' contents."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Any

from core.config import config_draft
from core.errors import InputError
from core.journal import Draft
from core.model.catalogue import parse_catalogue
from core.rules.loader import BUILTIN, overlay, parse_rules
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


def builtin_rules() -> dict[str, str]:
    folder = resources.files("core.rules") / BUILTIN
    files = [item for item in folder.iterdir() if item.name.endswith(".yaml")]
    return {item.name: item.read_text(encoding="utf-8") for item in sorted(files, key=lambda f: f.name)}


def rules_content(directory: Path | None) -> dict[str, Any]:
    """The content of the `rules` document: the built-in files with the operator's in their place."""
    texts, bundle = builtin_rules(), BUILTIN
    if directory is not None:
        if not directory.is_dir():
            raise InputError("not a directory", where=str(directory), mend="Give a directory of rule files")
        paths = sorted(path for path in directory.iterdir() if path.suffix in (".yaml", ".yml"))
        own = {str(path): read_text(path, "rule file") for path in paths}
        if not own:
            raise InputError("no rule files in it", where=str(directory), mend="Add files ending in .yaml")
        texts = {Path(name).name: text for name, text in overlay(texts, own).items()}
        bundle = f"{BUILTIN}+{directory.name}"
    parse_rules(texts, bundle=bundle)
    return {"bundle": bundle, "files": texts}


def catalogue_content(path: Path) -> str:
    text = read_text(path, "catalogue")
    parse_catalogue(text, str(path))
    return text


def configuration(catalogue: Path | None, rules: Path | None) -> list[Draft]:
    """The records that a replay of a recording begins with."""
    drafts = [config_draft("program", VERSION), config_draft("rules", rules_content(rules))]
    if catalogue is not None:
        drafts.append(config_draft("catalogue", catalogue_content(catalogue)))
    return drafts


def demo_case() -> Path:
    """The recorded case that the demo plays."""
    return Path(str(resources.files("evals") / "cases" / "bad-deploy"))
