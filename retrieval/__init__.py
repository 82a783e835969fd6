"""Memory of past incidents and runbooks, behind the Memory port."""
