"""Text for people, made from facts alone."""
