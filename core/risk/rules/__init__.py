"""All risk rules, a file per kind of danger, in the order in which they are listed."""

from __future__ import annotations

from core.risk.rules import (
    api_openapi,
    api_protobuf,
    build,
    ci,
    configuration,
    dependencies,
    flags,
    habits,
    helm,
    history,
    kubernetes,
    lockfiles,
    policy_file,
    prompts,
    secrets,
    shape,
    sql_rules,
    state,
    terraform,
    terraform_plan,
    unread,
)
from core.risk.rules.rule import LEVELS, Level, Match, RiskRule, quoted

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
    *unread.rules,
)

__all__ = ["LEVELS", "RULES", "Level", "Match", "RiskRule", "quoted"]
