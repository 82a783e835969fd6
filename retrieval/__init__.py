"""Memory of past incidents and of runbooks, found again by likeness. Knows core only; decides nothing."""
