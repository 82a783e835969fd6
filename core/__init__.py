"""The domain of Watchkeeper: a pure, deterministic fold of journal records into incidents.

Nothing below this package does I/O, reads a clock or the environment, draws randomness or logs.
"""
