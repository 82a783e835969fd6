"""Rules as data: YAML files with a schema. `parse_rules` turns their texts into a RuleSet.

A bundle is dated and ships with the program; an operator's directory replaces files of the same rule.
"""
