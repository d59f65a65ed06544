"""Whether what was said of a statement is what was seen: the lock map exactly, the work as far as a server shows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gate.model.effects import Effect
from gate.model.facts import Expect
from gate.model.locks import LockMode
from gate.model.work import Work
from tests.facts.observe import Seen

_READS = frozenset({Work.VALIDATION_SCAN, Work.READ})


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What gate, or a fact, says of one relation."""

    lock: LockMode
    work: frozenset[Work]
    loses: tuple[str, ...] = ()


def said_by_effects(effects: tuple[Effect, ...]) -> dict[str, Said]:
    """A plan's words."""
    return {
        effect.relation: Said(
            lock=effect.lock, work=frozenset(effect.work), loses=tuple(sorted(effect.loses_statistics))
        )
        for effect in effects
    }


def said_by_expects(expects: tuple[Expect, ...]) -> dict[str, Said]:
    """A fact's words; a name without a schema is one in `public`."""
    return {
        expect.relation if "." in expect.relation else f"public.{expect.relation}": Said(
            lock=expect.lock, work=expect.work, loses=tuple(sorted(expect.loses_statistics))
        )
        for expect in expects
    }


def disagreements(said: Mapping[str, Said], seen: Seen, *, statement: str) -> list[str]:
    """Every difference in words; none is agreement."""
    wrong = _locks(said, seen)
    if not statement.upper().startswith("TRUNCATE"):  # new files, and yet no row is touched
        wrong += _files(said, seen)
    wrong += _scans(said, seen, is_definition=_is_definition(statement))
    wrong += [
        f"{relation}: {what} without a lock"
        for what, relations in (("rewritten", seen.rewritten), ("index built", seen.built_on))
        for relation in relations - said.keys()
    ]
    return wrong + _loses(said, seen)


def _locks(said: Mapping[str, Said], seen: Seen) -> list[str]:
    words = {relation: one.lock for relation, one in said.items()}
    return [
        f"{relation}: lock {_word(words.get(relation))}, the server took {_word(seen.locks.get(relation))}"
        for relation in sorted({*words, *seen.locks})
        if words.get(relation) != seen.locks.get(relation)
    ]


def _word(lock: LockMode | None) -> str:
    return lock.value if lock else "none"


def _files(said: Mapping[str, Said], seen: Seen) -> list[str]:
    wrong = []
    for relation, one in said.items():
        if (Work.REWRITE in one.work) != (relation in seen.rewritten):
            wrong.append(f"{relation}: {_work(one)}, the server {_did('rewrote', relation in seen.rewritten)} it")
        if relation not in seen.rewritten and (Work.INDEX_BUILD in one.work) != (relation in seen.built_on):
            wrong.append(
                f"{relation}: {_work(one)}, the server {_did('built an index on', relation in seen.built_on)} it"
            )
    return wrong


def _scans(said: Mapping[str, Said], seen: Seen, *, is_definition: bool) -> list[str]:
    """A rewrite and an index build scan too; a query may read through an index, which no counter shows."""
    if seen.scanned is None or not is_definition:
        return []
    wrong = []
    for relation, one in said.items():
        if relation in seen.rewritten or relation in seen.built_on:
            continue
        is_scanned = relation in seen.scanned
        if is_scanned and not one.work & _READS:
            wrong.append(f"{relation}: {_work(one)}, the server scanned it")
        if not is_scanned and Work.VALIDATION_SCAN in one.work:
            wrong.append(f"{relation}: {_work(one)}, the server did not scan it")
    return wrong


def _is_definition(statement: str) -> bool:
    return statement.split(maxsplit=1)[0].upper() in ("ALTER", "CREATE", "DROP", "COMMENT", "GRANT")


def _loses(said: Mapping[str, Said], seen: Seen) -> list[str]:
    return [
        f"{relation}: loses the statistics of {one.loses}, the server threw away {seen.loses.get(relation, ())}"
        for relation, one in said.items()
        if one.loses != seen.loses.get(relation, ())
    ]


def _work(one: Said) -> str:
    return " + ".join(sorted(work.value for work in one.work))


def _did(what: str, did: bool) -> str:  # noqa: FBT001 - a sentence's only variable
    return what if did else f"never {what}"
