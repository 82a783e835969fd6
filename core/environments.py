"""Environments by one name: `prod` and `production` are the same place, whoever writes it.

Which names mean the same is the rule identity's. What the catalogue calls an environment wins over the rule's
name for it; two environments that the catalogue lists stay two.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping


class Environments:
    """`names`: what else each environment is called; `listed`: those that the catalogue names."""

    def __init__(self, names: Mapping[str, Iterable[str]], listed: Collection[str]) -> None:
        self._listed = frozenset(listed) - {""}
        self._names: dict[str, str] = {}
        for name, others in names.items():
            words = {word.casefold() for word in (name, *others)}
            known = [one for one in sorted(self._listed) if one.casefold() in words]
            said = known[0] if len(known) == 1 else name
            self._names.update(dict.fromkeys(words, said))

    def name(self, said: str) -> str:
        """The one name of what was said; what nothing is known of stays as it is."""
        if not said or said in self._listed:
            return said
        return self._names.get(said) or self._names.get(said.strip().casefold(), said)
