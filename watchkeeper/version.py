"""The program's version. It is journalled: byte identity of a replay holds for one version."""

VERSION = "0.3.0"
