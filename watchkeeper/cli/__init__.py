"""The command line. Heavy modules are imported by the commands that need them."""
