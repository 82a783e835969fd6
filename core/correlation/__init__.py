"""Links between episodes: symmetric, pure predicates, each in its own file."""
