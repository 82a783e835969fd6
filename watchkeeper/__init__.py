"""The program: settings, composition root, HTTP API, console, command line."""
