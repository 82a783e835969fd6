"""The change as a whole: its shape, its place in the history, and what is known of its services."""
