"""The recorder: breaks the shop on purpose, watches it with real monitoring, keeps what was sent."""
