"""`python -m watchkeeper`."""

from watchkeeper.cli.main import main

main()
