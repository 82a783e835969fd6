"""Where records and projections are kept."""
