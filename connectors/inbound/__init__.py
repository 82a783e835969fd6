"""Sources: one file each, verify and parse, nothing else."""
