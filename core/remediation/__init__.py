"""Remediation: runbooks, the levels that an operator allows, and candidate plans. Nothing here acts."""
