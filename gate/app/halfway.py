"""A plan beside what an earlier release has begun: that is gone on with, and judged anew it would trip over itself."""

from __future__ import annotations

from dataclasses import replace

from gate.app.journals import ours
from gate.app.pending import Answer
from gate.model.plan import MigrationPlan, Plan, Verdict
from gate.model.run import State
from gate.model.units import plural
from gate.run.journalling import Kept, Standing
from gate.sources.tool import Source


def beside(plan: Plan, standing: Standing, source: Source, answer: Answer) -> Plan:
    """The plan of the rest, with a note for each migration that the next release takes up."""
    if standing.unreadable:
        unread = f"whether an earlier release has begun one of these is not known: {standing.unreadable}"
        return replace(plan, notes=(*plan.notes, f"{unread}; {standing.remedy}"))
    begun = ours(standing, source)
    if not begun:
        return plan
    notes, taken_up = _looked_at(begun, source, answer)
    migrations = tuple(_as_begun(one) if one.id in taken_up else one for one in plan.migrations)
    return replace(plan, migrations=migrations, notes=(*plan.notes, *notes))


def _looked_at(begun: tuple[Kept, ...], source: Source, answer: Answer) -> tuple[tuple[str, ...], set[str]]:
    """What is said of each, and those that are gone on with as they were judged then."""
    # Imported here: hardly any plan meets an unfinished release.
    from gate.app.unfinished import GoOn, TakeBack, what_to_do
    from gate.run.halting import Halt

    notes, taken_up = [], set()
    for kept in begun:
        name = kept.path or kept.migration
        try:
            what = what_to_do(kept, source, answer)
        except Halt as halt:
            notes.append(f"{halt.problem}: {halt.remedy}")
            continue
        if isinstance(what, GoOn):
            notes.append(f"{name} was begun by run {kept.run}: {_goes_on(kept)}; it is not judged anew")
            taken_up.add(kept.migration)
        elif isinstance(what, TakeBack):
            notes.append(
                f"{name} has changed since run {kept.run} began it: gate release takes back what is done of it, and "
                "plans it then; here it is held against the catalog as it is now"
            )
    return tuple(notes), taken_up


def _goes_on(kept: Kept) -> str:
    units = kept.program.units if kept.program is not None else ()
    done = sum(kept.mark_of(unit.ordinal).state is State.DONE for unit in units)
    following = kept.next_unit
    where = f"gate release goes on with step {following.ordinal}" if following is not None else "gate release ends it"
    return f"{done} of {plural(len(units), 'step')} done, {where}"


def _as_begun(migration: MigrationPlan) -> MigrationPlan:
    """Nothing to object to, and nothing to paste: as it is written it is not run, and its steps are in the journal."""
    statements = tuple(
        replace(item, verdict=Verdict.PASS, effects=(), findings=(), steps=(), to_run=())
        for item in migration.statements
    )
    return replace(migration, statements=statements, transactions=(), findings=())
