"""Versioned prompt files, data only: `AGENT/VERSION.md`, and the lock that holds their hashes."""
