"""The three questions as people are shown them: on pages, in the console, in the terminal."""

from __future__ import annotations

# By their keys in an incident's document, in the order in which they are asked.
QUESTIONS = {
    "what_changed": "What changed?",
    "already_known": "Is somebody on it already?",
    "likely_fix": "What is the likely fix?",
}
