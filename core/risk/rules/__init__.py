"""All risk rules, a file per kind of danger, in the order in which they are listed."""

from __future__ import annotations

from core.risk.rules.api import avro, graphql, schemas
from core.risk.rules.api import openapi as api_openapi
from core.risk.rules.api import protobuf as api_protobuf
from core.risk.rules.change import habits, history, instead, policy_file, shape, state, unread, unreadable
from core.risk.rules.code import access, failures, kept, queries, regexes, retries, rows, secured, together
from core.risk.rules.delivery import build, ci, scripts
from core.risk.rules.dependencies import checksums, installing, lockfiles
from core.risk.rules.dependencies import declared as dependencies
from core.risk.rules.infrastructure import (
    cloud_code,
    compose,
    container_health,
    helm,
    kubernetes,
    mesh,
    mesh_tls,
    terraform,
    terraform_plan,
    watching,
)
from core.risk.rules.infrastructure import unread as infra_unread
from core.risk.rules.rule import LEVELS, Level, Match, RiskRule, quoted
from core.risk.rules.settings import (
    browsers,
    clients,
    configuration,
    flags,
    guards,
    nginx,
    opened,
    prompts,
    schedules,
    secrets,
    stores,
)
from core.risk.rules.sql import rules as sql_rules

RULES: tuple[RiskRule, ...] = (
    *policy_file.rules,
    *dependencies.rules,
    *lockfiles.rules,
    *installing.rules,
    *checksums.rules,
    *api_openapi.rules,
    *api_protobuf.rules,
    *graphql.rules,
    *avro.rules,
    *schemas.rules,
    *shape.rules,
    *habits.rules,
    *history.rules,
    *state.rules,
    *sql_rules.rules,
    *terraform.rules,
    *terraform_plan.rules,
    *cloud_code.rules,
    *kubernetes.rules,
    *helm.rules,
    *compose.rules,
    *watching.rules,
    *mesh.rules,
    *mesh_tls.rules,
    *container_health.rules,
    *infra_unread.rules,
    *configuration.rules,
    *schedules.rules,
    *guards.rules,
    *nginx.rules,
    *stores.rules,
    *opened.rules,
    *clients.rules,
    *browsers.rules,
    *secrets.rules,
    *flags.rules,
    *ci.rules,
    *build.rules,
    *scripts.rules,
    *prompts.rules,
    *failures.rules,
    *access.rules,
    *together.rules,
    *retries.rules,
    *queries.rules,
    *regexes.rules,
    *kept.rules,
    *secured.rules,
    *rows.rules,
    *unread.rules,
    *unreadable.rules,
    *instead.rules,
)

__all__ = ["LEVELS", "RULES", "Level", "Match", "RiskRule", "quoted"]
