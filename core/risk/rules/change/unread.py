"""What nobody could look at: files beyond the limits, and text files that are no text any more.

Whoever hides a dangerous line behind thousands of harmless ones is told that nothing is said of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from core.risk.change import ChangeSet
from core.risk.known import Known
from core.risk.paths import is_aside
from core.risk.rules.rule import Match, RiskRule, quoted
from core.risk.rules.touched import left_alone

# Of these a machine reads text, and does what it says.
_TEXTS = (
    ".sql",
    ".tf",
    ".yml",
    ".yaml",
    ".json",
    ".toml",
    ".py",
    ".go",
    ".js",
    ".ts",
    ".rb",
    ".java",
    ".sh",
    ".proto",
    ".tfvars",
    ".hcl",
    ".xml",
    ".env",
    ".properties",
    ".ini",
    ".cfg",
    ".conf",
    ".kt",
    ".cs",
    ".php",
    ".rs",
    ".groovy",
    ".gradle",
    "dockerfile",
    "makefile",
    "jenkinsfile",
)
_SPLIT = "Split the change, or have a person read what is named here"
_GITHUB_LIMITS = (
    "Limits on what a reviewer is shown, https://docs.github.com/en/repositories/creating-and-managing-repositories/"
    "repository-limits#diff-limits"
)


def is_text(path: str) -> bool:
    """Whether a machine reads text in a file of that name, and does what it says."""
    return path.lower().endswith(_TEXTS)


def _beyond(change: ChangeSet, known: Known) -> Iterator[Match]:
    if change.left_out:
        what = f"{change.left_out:,} files are beyond what is read of a change; nothing is said of them."
        yield Match("risk-files-left-out", "medium", what, _SPLIT)


def _cut(change: ChangeSet, known: Known) -> Iterator[Match]:
    """One match, at the first: of a huge change there are thousands."""
    cut = [file for file in change.files if file.cut and not left_alone(file)]
    paths = [file.path for file in cut if not file.arrived_unseen]
    if paths:
        why = "it, or the whole change, is too long; nothing is said of the rest."
        what = f"Not read whole{_others(paths)}: {why}"
        yield Match("risk-file-cut", "low", what, _SPLIT, paths[0])
    if moved := [file.path for file in cut if file.arrived_unseen]:
        what = f"Came to where it is run{_others(moved)}, and its text is not at hand; nothing is said of it."
        clears = "Have the change judged from its repository, or have a person read what is named here"
        yield Match("risk-file-cut", "medium", what, clears, moved[0])


def too_much(paths: Sequence[str]) -> list[Match]:
    """The same of files that were more than all rules together read of one change."""
    told = [path for path in paths if not is_aside(path)]
    why = "the change holds more YAML than is read; nothing is said of it."
    what = f"Not read by the rules{_others(told)}: {why}"
    return [Match("risk-file-cut", "low", what, _SPLIT, told[0])] if told else []


def _others(paths: Sequence[str]) -> str:
    return f" (and {len(paths) - 1:,} others)" if len(paths) > 1 else ""


def _binary(change: ChangeSet, known: Known) -> Iterator[Match]:
    for file in change.files:
        wanted = file.binary and file.status != "deleted" and is_text(file.path)
        if wanted and not left_alone(file):
            what = "Its name says text, but it holds bytes that no text does; no rule can read it."
            yield Match("risk-binary-text", "medium", what, "Save it as UTF-8 text", file.path)


def _returned(change: ChangeSet, known: Known) -> Iterator[Match]:
    """One match of a file, at its first such line."""
    for file in change.files:
        if file.binary or left_alone(file) or not is_text(file.path):
            continue
        line = next((one for one in file.added if "\r" in one.text), None)
        if line is not None:
            what = "A line has a carriage return inside: a new line for programs, and none for who reads it."
            clears = "End lines with a line feed"
            yield Match("risk-line-hidden", "medium", what, clears, file.path, line.number, quoted(line.text))


_WHY = "A rule that saw nothing because it could not look says nothing of the danger."

rules = (
    RiskRule("risk-files-left-out", "Files that were not looked at", _WHY, _GITHUB_LIMITS, _beyond),
    RiskRule("risk-file-cut", "A file that was not read whole", _WHY, _GITHUB_LIMITS, _cut),
    RiskRule(
        "risk-binary-text",
        "A text file that is no text",
        "Reviewers are shown no difference of it.",
        "git treats a file with a NUL byte as binary, https://git-scm.com/docs/gitattributes#_marking_files_as_binary",
        _binary,
    ),
    RiskRule(
        "risk-line-hidden",
        "A line that hides another",
        "What follows looks like the rest of a comment, and is run.",
        "What is read is not what is run: Boucher and Anderson, Trojan Source, 2021, https://trojansource.codes/",
        _returned,
    ),
)
