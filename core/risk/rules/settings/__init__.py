"""What a program is told: configuration, secrets, flags, prompts."""
