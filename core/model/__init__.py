"""Frozen domain types."""
