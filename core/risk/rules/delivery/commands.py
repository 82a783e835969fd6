"""Commands that pipelines run, told apart by their words: what tests, what deploys."""

from __future__ import annotations

import re

from core.risk.rules.touched import finder

TESTS = finder(
    r"\b(?:pytest|tox|nox|unittest|go\s+test|cargo\s+(?:test|nextest)|npm\s+(?:run\s+)?(?:test"
    r"|t)\b|npm\s+ci-test"
    r"|yarn\s+(?:run\s+)?test|pnpm\s+(?:run\s+)?test|jest|vitest|playwright\s+test|cypress\s+run"
    r"|mvn\b.{0,80}\b(?:test"
    r"|verify)|gradlew?\b.{0,80}\b(?:(?:integration|unit|functional|e2e|acceptance|smoke|contract|component)?_?test|check)|rspec|rake\s+test|rails\s+test|phpunit"
    r"|dotnet\s+test|make\s+(?:-\S+\s+)?"
    r"(?:test|check)|ctest|bazel\s+test|mix\s+test|sbt\s+test|swift\s+test|terraform\s+validate)"
)
# A version or another name after it: a package, not a run.
_PACKAGE = re.compile(r"-(?!-)[a-z]|\[|\s{0,5}(?:[=<>~!]=|[<>]\s{0,3}[0-9])")
_INSTALLS = finder(
    r"^[^&|;]{0,300}\b(?:pip3?|uv|pipx|conda|apt-get|apt|brew|poetry|pdm)\s[^&|;]{0,200}\b(?:install|add)\b[^&|;]*$"
)
DEPLOYS = finder(
    r"\b(?:kubectl\s+(?:apply|set\s+image|rollout)|helm\s+upgrade|terraform\s+apply"
    r"|serverless\s+deploy|sls\s+deploy"
    r"|cdk\s+deploy|pulumi\s+up|eb\s+deploy|ecs\s+update-service|flyctl\s+deploy|gcloud\s+(?:run"
    r"|app)\s+deploy"
    r"|ansible-playbook|argocd\s+app\s+sync)\b"
)


def runs_tests(text: str) -> re.Match[str] | None:
    """What of a line runs tests; a package of that name that is installed (`pytest>=8`) does not."""
    found = TESTS(text)
    return None if (found and _PACKAGE.match(text, found.end())) or _INSTALLS(text) else found
