"""Rules on what code does when something it calls fails."""
