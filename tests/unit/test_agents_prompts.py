"""Prompts: none that was released changes, each says what its path says, and its example stands the check."""

from __future__ import annotations

import json
import re
from importlib.resources import files

import msgspec
import pytest

from agents import prompts
from agents.answers import read_answer
from agents.roles import ROLES
from core.errors import InputError
from core.narrative.check import check
from core.narrative.facts import Bundle, Fact

LOCK: dict[str, str] = json.loads(files("prompts").joinpath("lock.json").read_text("utf-8"))


def test_a_released_prompt_is_never_edited() -> None:
    assert prompts.lock() == LOCK, "add another version and write the lock anew (prompts/README.md)"


def test_each_agent_has_a_prompt_in_use() -> None:
    assert list(prompts.CURRENT) == [role.author for role in ROLES]
    assert [prompts.current(role.author).label for role in ROLES] == [
        f"{author}@{version}" for author, version in prompts.CURRENT.items()
    ]


@pytest.mark.parametrize("name", LOCK)
def test_every_prompt_ever_released_can_still_be_read(name: str) -> None:
    author, version = name.removesuffix(".md").split("/")
    found = prompts.prompt(author, int(version))
    assert (found.id, found.version) == (author, int(version))


@pytest.mark.parametrize("author", prompts.CURRENT)
def test_the_example_of_a_prompt_stands_the_check_that_it_prepares_for(author: str) -> None:
    text = prompts.current(author).text
    [facts] = re.findall(r"made-up facts: (.*)", text)
    [good] = re.findall(r"A good answer: (.*)", text)
    bundle = Bundle(tuple(msgspec.convert(fact, Fact) for fact in json.loads(facts)["facts"]))
    checked = check(bundle, read_answer(good).sentences)
    assert [sentence.reasons for sentence in checked.sentences] == [()] * len(checked.sentences)


@pytest.mark.parametrize("author", prompts.CURRENT)
def test_a_prompt_holds_the_rules_and_no_facts(author: str) -> None:
    text = prompts.current(author).text
    for words in ('"sentences"', "{F3.at}", "[F3]", "data", "<facts>", "</facts>"):
        assert words in text
    assert ('"choice"' in text) == (author == "planner")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no front matter",
        "---\nid: narrator\nversion: 1\n---\n",
        "---\nid: planner\nversion: 1\n---\nwords",
        "---\nid: narrator\nversion: 2\n---\nwords",
        "---\nid: narrator\nversion: 1\nextra: 1\n---\nwords",
        "words\n---\nid: narrator\nversion: 1\n---\nwords",
        "---\nid: narrator\nversion: 1\nwords",
    ],
)
def test_a_file_that_is_another_one_is_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"narrator/1\.md: not a prompt file"):
        prompts.read_prompt(text, "narrator", 1)


def test_a_prompt_that_is_not_there_is_said() -> None:
    with pytest.raises(InputError, match=r"narrator/99\.md: there is no such prompt"):
        prompts.prompt("narrator", 99)
