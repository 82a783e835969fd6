"""The engine by what it holds: open alerts, services, inhibitions; restarts; Alertmanager beside it."""
