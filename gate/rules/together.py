"""What the rules say of a whole migration: of every statement by itself, and among the others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from gate.model.plan import Finding
from gate.rules.ruling import Among, Deed, FamilyRule


def said(
    deeds: Sequence[Deed], rules: Iterable[FamilyRule], *, is_wrapped: bool | None
) -> tuple[tuple[Finding, ...], ...]:
    """For each statement, in order, what these rules find; one that was not understood gets none.

    `is_wrapped`: the tool opens a transaction around the file; None where no tool runs it.
    """
    known = tuple(rules)
    kinds = frozenset(type(deed.action) for deed in deeds if deed.action is not None)
    return tuple(
        tuple(_of_one(Among(deeds=deeds, place=place, kinds=kinds, is_wrapped=is_wrapped), known))
        for place in range(len(deeds))
    )


def _of_one(among: Among, rules: Sequence[FamilyRule]) -> Iterator[Finding]:
    deed = among.deed
    if deed.action is None:
        return
    for rule in rules:
        yield from rule.finds(deed.action, deed.effects, deed.before)
        if rule.finds_among is not None:
            yield from rule.finds_among(among)
