"""A fact: what PostgreSQL does for one form of statement, with a proof that a server can be asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gate.model.locks import LockMode
from gate.model.work import Work

CATALOG_ONLY = frozenset({Work.CATALOG_ONLY})


@dataclass(frozen=True, kw_only=True)
class Versions:
    """Server majors, both ends included; `until` None means every later one that is proven."""

    since: int = 14
    until: int | None = None

    def __contains__(self, major: int) -> bool:
        return self.since <= major and (self.until is None or major <= self.until)


@dataclass(frozen=True, kw_only=True)
class Expect:
    """What one relation must show after the proof's statement: its lock and its work."""

    relation: str
    lock: LockMode
    work: frozenset[Work] = CATALOG_ONLY
    loses_statistics: tuple[str, ...] = ()


def expected(locks: Mapping[str, LockMode], work: frozenset[Work] = CATALOG_ONLY) -> tuple[Expect, ...]:
    """The same work on relations of schema `public`, each with its lock, by their names."""
    return tuple(Expect(relation=f"public.{name}", lock=mode, work=work) for name, mode in locks.items())


@dataclass(frozen=True, kw_only=True)
class Proof:
    """SQL that settles a fact on a server: `setup` first, then `statement`, then what is expected of each relation.

    A statement that refuses a transaction block is observed from a second connection (`is_alone`).
    """

    setup: str
    statement: str
    expects: tuple[Expect, ...]
    is_alone: bool = False


@dataclass(frozen=True, kw_only=True)
class Fact:
    """`form` names the statement's form, `source` the PostgreSQL page or file that says so."""

    form: str
    source: str
    proof: Proof
    versions: Versions = Versions()


def fact(
    form: str,
    setup: str,
    statement: str,
    since: int = 14,
    work: frozenset[Work] = CATALOG_ONLY,
    *,
    source: str,
    **locks: LockMode,
) -> Fact:
    """A fact about relations of schema `public`, each named with its lock; a family gives its `source` once."""
    proof = Proof(setup=setup, statement=statement, expects=expected(locks, work))
    return Fact(form=form, source=source, versions=Versions(since=since), proof=proof)
