"""Every touch with the outside: inbound sources, storage, notifiers."""
