"""HTTP: raw intake on the hot path, the JSON API, health and metrics."""
