"""All risk rules, a file per kind of danger, in the order in which they are listed."""

from __future__ import annotations

from core.risk.rules.api import openapi as api_openapi
from core.risk.rules.api import protobuf as api_protobuf
from core.risk.rules.change import habits, history, policy_file, shape, state, unread
from core.risk.rules.code import failures
from core.risk.rules.delivery import build, ci
from core.risk.rules.dependencies import declared as dependencies
from core.risk.rules.dependencies import lockfiles
from core.risk.rules.infrastructure import helm, kubernetes, terraform, terraform_plan
from core.risk.rules.rule import LEVELS, Level, Match, RiskRule, quoted
from core.risk.rules.settings import configuration, flags, prompts, secrets
from core.risk.rules.sql import rules as sql_rules

RULES: tuple[RiskRule, ...] = (
    *policy_file.rules,
    *dependencies.rules,
    *lockfiles.rules,
    *api_openapi.rules,
    *api_protobuf.rules,
    *shape.rules,
    *habits.rules,
    *history.rules,
    *state.rules,
    *sql_rules.rules,
    *terraform.rules,
    *terraform_plan.rules,
    *kubernetes.rules,
    *helm.rules,
    *configuration.rules,
    *secrets.rules,
    *flags.rules,
    *ci.rules,
    *build.rules,
    *prompts.rules,
    *failures.rules,
    *unread.rules,
)

__all__ = ["LEVELS", "RULES", "Level", "Match", "RiskRule", "quoted"]
