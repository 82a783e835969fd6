"""How well alerts are grouped and origins found: the product's own replay against cases of known truth."""
