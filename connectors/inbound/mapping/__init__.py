"""Mapping files: senders read by data. `compiled` gives the source that a file describes."""

from connectors.inbound.mapping.generic import MappingSource, compiled

__all__ = ["MappingSource", "compiled"]
