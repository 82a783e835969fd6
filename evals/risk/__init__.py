"""Evaluations of deploy risk: the rules on small diffs of known danger, the model on labelled commits."""
