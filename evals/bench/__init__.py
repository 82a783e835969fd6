"""Rates: alerts a second that intake commits and the engine applies, beside peers in the same run."""
