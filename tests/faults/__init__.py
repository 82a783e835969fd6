"""Crashes, power cuts and faulty disks: a tracer for any program, a model of its disk, an independent ledger.

`traced.py` runs a program and records or disturbs what it does to files; `disk.py` rebuilds what a power cut
at any point may leave; `ledger.py` notes what was acknowledged and looks for it. Nothing but Linux and Python
is needed.
"""
