"""Migrations of databases: what locks, loses or breaks, in SQL and in what frameworks write for it."""
