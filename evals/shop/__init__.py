"""A small real shop to break on purpose: one process per service, real calls, real metrics, real faults."""
