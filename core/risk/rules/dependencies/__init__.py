"""What the change takes in from others: manifests and lock files."""
