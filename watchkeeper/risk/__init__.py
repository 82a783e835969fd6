"""Deploy risk at a checkout: reading changes and history from git, and what `watchkeeper risk` prints."""
