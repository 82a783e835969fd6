"""The parts of the journal on SQLite: a row of segment files, of which the last is written."""
