"""Programs that ask language models: prompts, models and settings changed without an evaluation.

A change that touches an evaluation too is taken as evaluated; removed rules are told all the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from core.risk.change import ChangeSet, Line, TouchedFile
from core.risk.paths import is_generated, is_test
from core.risk.rules.rule import Level, Match, RiskRule
from core.risk.rules.touched import LONGEST_LINE, finder, fresh, gone, is_comment, place_of, rules_of, shown

_FILE = finder(
    r"(?:^|/)(?:prompts?|system_prompts)/.{1,200}\.(?:md|txt|ya?ml|json|j2|jinja2?|prompt|tmpl"
    r"|mustache|hbs|toml|xml)$"
    r"|\.prompt(?:\.(?:md|ya?ml|txt))?$|(?:^|/)[\w-]{0,60}(?:system"
    r"|agent)[_-]?prompt[\w-]{0,40}\.(?:md|txt|ya?ml|j2|jinja2?)$"
)
_EVALUATION = finder(
    r"(?:^|/)(?:evals?|evaluations?|golden|goldens|benchmarks?|promptfoo[\w.-]{0,40})(?:/|$|[_.-])"
)
_MODEL = re.compile(
    r"(?i)(?<![a-z0-9])(gpt-[0-9][\w.:-]{0,40}|o[134](?:-[\w.-]{1,30})?(?=[\"'])"
    r"|claude-[\w.:-]{2,50}|gemini-[\w.:-]{2,40}"
    r"|(?:meta-)?llama-?[0-9][\w.:-]{0,40}|(?:open-)?mi[sx]tral-[\w.:-]{2,40}"
    r"|command-r[\w.:-]{0,30}|deepseek-[\w.:-]{2,40}"
    r"|qwen[0-9][\w.:-]{0,40}|text-embedding-[\w.:-]{2,40}|titan-[\w.:-]{2,40}|nova-(?:lite"
    r"|micro|pro)[\w.:-]{0,20})"
)
_NUMBERS = re.compile(
    r"(?i)(?<![a-z])(temperature|top_?p|max_?(?:output_?"
    r"|completion_?)?tokens)[\"']?\s{0,5}[:=]\s{0,5}([0-9]{1,9}(?:\.[0-9]{1,6})?)"
)
_GUARD = finder(
    r"\b(?:never|do\s+not|don't|must\s+not|refuse|only\s+answer|only\s+use"
    r"|under\s+no\s+circumstances|not\s+allowed"
    r"|ignore\s+(?:any\s+)?instructions|untrusted|cite\s+(?:your|the)\s+sources?"
    r"|if\s+you\s+(?:are\s+)?(?:do\s+not|don't|not|un)"
    r"|ask\s+(?:a\s+person|the\s+user|for\s+confirmation))"
)
# Of those, what keeps from harm and not from bad style.
_STRICT = finder(
    r"\b(?:never|must\s+not|refuse|only\s+answer|under\s+no\s+circumstances|not\s+allowed|untrusted"
    r"|ignore\s+(?:any\s+)?instructions|ask\s+(?:a\s+person|for\s+confirmation))"
    r"|\b(?:do\s+not|don't)\b.{0,80}\b(?:secret|password|credential|personal|private|reveal|share"
    r"|delete|execute|run|invent|make\s+up|guess|advice)"
)
_CODE = finder(
    r"\.(?:py|ts|tsx|js|mjs|go|java|kt|rb|cs|rs|ya?ml|json|toml|env|properties|prompt|md|txt|j2|jinja2?)$"
)
# A file that gains more models than these lists them (prices, limits), and asks none.
_CATALOGUE = 4
_WORD = re.compile(r"[a-z0-9]{2,30}")


def wanted(path: str) -> bool:
    name = path.rpartition("/")[2].lower()
    return not name.startswith(("readme", "changelog")) and _FILE(path[-300:]) is not None


def _counts(file: TouchedFile) -> bool:
    """Prompts are documents by their ends: those alone that are tests or made by a program are left alone."""
    return file.asked or not (is_test(file.path) or is_generated(file.path))


def _matches(change: ChangeSet) -> Iterator[Match]:
    new = [
        set(_WORD.findall(line.text.lower()))
        for file in change.files
        if wanted(file.path) and _counts(file)
        for line in fresh(file)
        if _GUARD(line.text)
    ]
    evaluated = any(_EVALUATION(file.path[-300:]) for file in change.files)
    for file in change.files:
        if file.binary or file.instead or not _counts(file) or _EVALUATION(file.path[-300:]):
            continue
        if wanted(file.path):
            yield from _guards(file, new)
        if not evaluated and file.status != "deleted":
            if wanted(file.path):
                yield from _wording(file)
            if _CODE(file.path[-300:]) and (wanted(file.path) or not file.path.endswith((".md", ".txt"))):
                yield from _settings(file)


def _guards(file: TouchedFile, new: list[set[str]]) -> Iterator[Match]:
    """Lines that bind the model, of which no new one of any prompt keeps more than half of the words. Those
    of one file are told at once; a prompt that is deleted binds nobody."""
    if file.status == "deleted":
        return
    lost = []
    for line in gone(file):
        words = set(_WORD.findall(line.text.lower()))
        kept = any(len(words & one) * 2 > len(words) for one in new)
        if _GUARD(line.text) and not is_comment(line.text) and not kept:
            lost.append(line)
    lost.sort(key=lambda line: _STRICT(line.text) is None)
    if lost:
        many = "a rule" if len(lost) == 1 else f"{len(lost)} rules"
        level: Level = "high" if _STRICT(lost[0].text) else "medium"
        place = place_of(file, lost[0].number)
        what = f"The prompt loses {many} that bound the model."
        clears = "Keep the rule, or add an evaluation case that shows the answer without it."
        yield Match("prompt-guard-removed", level, what, clears, file.path, place, shown(lost[0].text))


def _wording(file: TouchedFile) -> Iterator[Match]:
    if file.status == "added" or (file.status == "renamed" and not file.added):
        return
    lines = [line for line in fresh(file) if line.text.strip() and not _is_setting(line.text)]
    lost = [line for line in gone(file) if line.text.strip() and not _is_setting(line.text)]
    if _words(lines) != _words(lost):
        first = lines[0] if lines else Line(0, lost[0].text)
        what = "A prompt changes and no evaluation changes or is added with it."
        level: Level = "medium" if "system" in file.path.lower() or len(lines) + len(lost) > 10 else "low"
        evidence = shown(first.text)
        yield Match("prompt-not-evaluated", level, what, _EVALUATE, file.path, first.number, evidence)


def _is_setting(text: str) -> bool:
    return _NUMBERS.search(text) is not None or _MODEL.search(text) is not None


def _words(lines: list[Line]) -> list[str]:
    return [word for line in lines for word in line.text[:LONGEST_LINE].split()]


def _settings(file: TouchedFile) -> Iterator[Match]:
    """Models and numbers that take the place of others in a file."""
    lost = {_blank(line.text): found[1] for line in gone(file) if (found := _MODEL.search(line.text))}
    old_models = {name.lower() for name in lost.values()}
    fresh_models = {found[1].lower() for line in fresh(file) for found in _MODEL.finditer(line.text)}
    catalogue = len(fresh_models) > _CATALOGUE
    told: set[str] = set()
    old_numbers = {
        found[1].lower(): float(found[2]) for line in gone(file) for found in _NUMBERS.finditer(line.text)
    }
    for line in fresh(file):
        if is_comment(line.text):
            continue
        model = None if catalogue else _MODEL.search(line.text)
        old = lost.get(_blank(line.text)) or (next(iter(lost.values())) if len(lost) == 1 else "")
        if model and old and model[1].lower() not in old_models | told:
            told.add(model[1].lower())
            what = f"The model goes from {old} to {model[1]} and no evaluation is added with it."
            evidence = shown(line.text)
            yield Match(
                "prompt-model-changed", "medium", shown(what), _EVALUATE, file.path, line.number, evidence
            )
        for found in _NUMBERS.finditer(line.text):
            yield from _number(file, line, found[1], old_numbers.get(found[1].lower()), float(found[2]))


def _blank(text: str) -> str:
    """A line without the model that it names: the line that took its place has the same."""
    return " ".join(_MODEL.sub("?", text).split())


def _number(file: TouchedFile, line: Line, name: str, was: float | None, now: float) -> Iterator[Match]:
    if was is None:
        return
    lower = "token" in name.lower()
    if (lower and now * 2 <= was) or (not lower and abs(now - was) >= 0.3):
        effect = (
            "answers may be cut off" if lower else "answers differ more from one time to the next or less"
        )
        what = f"{name} goes from {was:g} to {now:g}: {effect}."
        evidence = shown(line.text)
        yield Match("prompt-setting-changed", "medium", what, _EVALUATE, file.path, line.number, evidence)


_EVALUATE = "Run the evaluation, and add the case that asks for the change to it in the same pull request."
_EVALS = (
    "OpenAI, Evaluation best practices: https://platform.openai.com/docs/guides/evaluation-best-practices"
)
_rule = rules_of(_matches, wanted, _EVALS)

rules: tuple[RiskRule, ...] = (
    _rule(
        "prompt-guard-removed",
        "A rule that bound the model is removed",
        "Such rules were mostly written after something went wrong.",
        "OWASP, LLM01 Prompt injection: https://genai.owasp.org/llmrisk/llm01-prompt-injection/",
    ),
    _rule(
        "prompt-not-evaluated",
        "A prompt changes without an evaluation",
        "A prompt is a program without types: only cases show what a change of words does.",
    ),
    _rule(
        "prompt-model-changed",
        "Another model without an evaluation",
        "Another model reads the same prompt differently, and costs and limits differ.",
    ),
    _rule(
        "prompt-setting-changed",
        "Temperature or length of answers changes without an evaluation",
        "Answers are cut off, or differ from time to time.",
    ),
)
