"""Which levels the matches of each rule may have, for whoever reads the list of rules."""

from __future__ import annotations

_RULES = {
    "low": """
        dep-zero-minor dep-lock-only dep-lock-major change-spread
        change-services untested no-way-back reverted-before new-author owner-absent wide-service
        sql-lock-timeout sql-irreversible tf-plan-unread
        infra-unread
    """,
    "low medium": """
        dep-major dep-downgrade dep-unpinned change-size hot-file like-past-incident budget-spent
        ci-action-unpinned prompt-not-evaluated code-timeout-removed risk-file-cut
        risk-yaml-unread risk-not-a-file sql-unread alert-removed ci-secrets-inherited owners-loosened
        k8s-workload-removed container-health-removed
        sql-alter-field sql-default-in-code api-unread
        code-error-swallowed
    """,
    "low medium high": """
        open-incident api-path-removed api-security-changed api-request-narrowed api-response-narrowed
        api-type-changed asyncapi-channel-removed code-access-opened
    """,
    "low high": """
        config-tls-unverified risk-policy-changed ci-secret-printed
    """,
    "low medium high critical": """
        squawk
    """,
    "medium": """
        dep-pin-removed dep-lock-missing proto-removed sql-set-not-null sql-validate-together
        sql-drop-index sql-backfill-with-ddl k8s-recreate k8s-image-moves
        k8s-disruption-budget helm-resources-lowered helm-image-moves helm-dependency-major
        config-debug-on flag-default-changed flag-kill-switch-removed ci-failure-ignored
        build-base-image build-runs-as-root build-script-from-net build-failure-ignored
        prompt-model-changed prompt-setting-changed risk-files-left-out risk-binary-text
        risk-line-hidden ansible-all-at-once ci-runner-exposed dep-install-script nginx-tls-old
        tf-module-major schedule-every-minute k8s-tls-removed k8s-shutdown-cut k8s-probe-hasty
        helm-patience-lowered
        mesh-guard-removed tf-engine-major tf-dns-changed dep-hash-removed build-lock-ignored
        schema-narrowed sql-rows-one-by-one nginx-limit-removed
        code-regex-backtracks code-expiry-removed config-retry-storm config-cache-public
    """,
    "medium high": """
        dep-redirected dep-source sql-not-null proto-type proto-enum sql-rewrite sql-mysql-copy
        sql-edited-migration tf-protection-removed
        tf-plan-replaces k8s-replicas-down k8s-probe-removed k8s-resources-lowered k8s-privileged
        helm-replicas-down helm-guard-off config-limit-changed config-address-changed
        flag-opened-at-once ci-deploy-ungated prompt-guard-removed argo-follows-branch compose-privileged
        compose-store-major config-guard-off config-keeps-less dep-index-added graphql-removed
        graphql-type-changed tf-backups-off tf-capacity-down cloud-protection-removed
        mesh-traffic-at-once alert-not-told
        code-transaction-removed code-lock-removed code-retry-endless
        code-sql-built code-message-lost config-store-opened config-cors-any
        code-shell-built code-token-unverified mesh-plaintext
    """,
    "high": """
        dep-content proto-number proto-rpc proto-package
        sql-volatile-default sql-column-type sql-constraint-scan sql-unique-constraint
        sql-index-blocks sql-concurrently-in-transaction sql-drop-column sql-rename sql-lock-table
        sql-access-widened
        tf-open-to-world tf-public-data tf-iam-wider k8s-immutable-field k8s-network-policy-removed
        k8s-service-target k8s-route-removed secret-in-address secret-assigned secret-file
        flag-removed-in-use ci-script-injection ci-permissions-wide ci-tests-removed
        build-tests-removed build-gate-removed avro-incompatible compose-volume-removed graphql-required
        nginx-opened script-deletes-all script-empties-store tf-state-moved tf-store-renamed
        cloud-data-replaced cloud-public-data k8s-egress-denied k8s-backups-off argo-prunes-moved
        code-password-weak code-where-lost
    """,
    "medium critical": """
        secret-private-key
    """,
    "high critical": """
        sql-without-where sql-truncate k8s-data-removed k8s-rbac-wide ci-untrusted-checkout
        config-schema-rebuilt
    """,
    "critical": """
        freeze sql-drop-table tf-data-removed tf-data-replaced tf-plan-destroys-data
        secret-token secret-private-key
    """,
}
LEVELS_OF = {rule: tuple(levels.split()) for levels, rules in _RULES.items() for rule in rules.split()}
