"""Deploy risk: what a change does that has hurt before, how likely it is to, and what would clear it.

`change.py` is what is judged, `known.py` what the team's own history says, `rules/` a file per kind of
danger, `assess.py` the verdict. Nothing here reads files or runs anything.
"""
