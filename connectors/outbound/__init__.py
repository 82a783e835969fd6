"""Notifiers: how a page leaves the house."""
