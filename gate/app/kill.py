"""`gate kill`: who waits on whom; what dead runs left is ended, then whoever was asked for and is still in the way."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace

from gate.app.hooks import RESTORED, Hooks, JournalLedger
from gate.app.journals import journal_with
from gate.app.opening import open_connection
from gate.app.request import Request
from gate.app.runner import HEARTBEAT_S
from gate.app.settings import Settings, load
from gate.app.world import World
from gate.db.leftovers import OwnBackend, is_left, own_backends
from gate.db.watching import Watch
from gate.model.run import Act, Backend, HookRun, Outcome
from gate.platforms.known import platform_of
from gate.run.blocking_tree import Forest, grown
from gate.run.ending import Ended, Target, end_run
from gate.run.hooking import Left
from gate.run.journalling import takes_runner_lock
from gate.run.kill import STUCK_AFTER, Chosen, Killed, StandingRun, Wish, chosen, refusals
from gate.run.sample import Other

DRAIN_S = 5.0
"""After this time whoever is still blocked is shown, with whoever blocks it now."""
_GRACE_S, _LIMIT_S = 2.0, 6.0
_POLL_S = 0.25
_PLATFORM_S = 35.0
KILL = "kill"
"""The event of what is done on the platform."""
_SPEAKS = frozenset({"runner", "eyes", "plan"})
"""Connections on which a living run is heard of within every few seconds."""


def kill(request: Request, wish: Wish, told: Callable[[Act], object]) -> Killed:
    """Looks, ends what is to be ended, and looks again; `told` hears of each act at once.

    Raises:
        Unreachable: the server does not answer.
        UsageError: settings or the database's URL.
    """
    settings = load(request)
    world = World()
    hooks = Hooks(policy=settings.policy, platform=platform_of(os.environ), now_s=world.now)
    hooks.check_settings(wish.stops)
    with closing(Watch(lambda: open_connection(request, settings, name="gate kill"))) as watch, world.signals():
        stopped = tuple(_stopped(hooks, wish, world))
        if not wish.is_dry_run and any(not each.problem for each in stopped):
            _await_end(watch, world)
        killed = _Killing(watch=watch, world=world, wish=wish, told=told).run()
        back = () if wish.is_dry_run else _put_back(hooks, settings, watch, world)
        return replace(killed, hooks=(*stopped, *back))


def _stopped(hooks: Hooks, wish: Wish, world: World) -> Iterable[HookRun]:
    """The dyno or the Job first: as long as it lives it goes on, and begins anew what is ended here."""
    if wish.is_dry_run:
        return [HookRun(event=KILL, name=item.kind, seconds=0.0, output="would be called") for item in wish.stops]
    return hooks.call_these(wish.stops, KILL, "{}", _within(world, _PLATFORM_S))


def _await_end(watch: Watch, world: World) -> None:
    """What is stopped gets a signal first, and cleans up by itself; the platforms kill it after half a minute."""
    until_s = world.now() + _PLATFORM_S
    while any(run.is_alive for run in standing_runs(own_backends(watch.ask))):
        if world.now() >= until_s or world.stop is not None:
            return
        world.rest(_POLL_S)


def _put_back(hooks: Hooks, settings: Settings, watch: Watch, world: World) -> Sequence[HookRun]:
    """What dead runs have changed outside the database; nobody else may be at it, nor begin."""
    journal = journal_with(settings, watch.ask)
    standing = journal.standing()
    if not standing.changes or not watch.ask(takes_runner_lock(settings.journal_schema))[0]["is_taken"]:
        return ()
    if standing.is_newer:
        problem = f"not put back: gate {standing.made_by} has written the journal, and this one writes nothing to it"
        return (HookRun(event=RESTORED, name="changes", seconds=0.0, problem=problem),)
    hooks.ledger = JournalLedger(journal=journal, run="", database=watch.database)
    return hooks.restore(Outcome.ABANDONED, _within(world, _PLATFORM_S))


def _within(world: World, seconds: float) -> Left:
    until_s = world.now() + seconds
    return lambda: 0.0 if world.stop is not None else until_s - world.now()


@dataclass
class _Killing:
    watch: Watch
    world: World
    wish: Wish
    told: Callable[[Act], object]
    acts: list[Act] = field(default_factory=list)
    alive: list[Other] = field(default_factory=list)
    ended: dict[int, Other] = field(default_factory=dict)
    unseen: dict[str, None] = field(default_factory=dict)

    def run(self) -> Killed:
        before = self._forest()
        runs = standing_runs(own_backends(self.watch.ask))
        if self.wish.is_dry_run:
            return self._killed(before, None, runs, would_end=tuple(self._would_end(before, runs)))
        begun_s = self.world.now()
        for stage in _stages(runs, ends_stuck=self.wish.ends_stuck):
            if not self.alive:
                self._end_own(stage)
        if self.acts:
            self._drain()
        self._end_named()
        after = self._drain() if self.acts else None
        return self._killed(before, after, runs, waited_s=self.world.now() - begun_s)

    def _killed(self, before: Forest, after: Forest | None, runs: tuple[StandingRun, ...], **more: object) -> Killed:
        return Killed(
            database=self.watch.database,
            before=before,
            after=after,
            runs=runs,
            acts=tuple(self.acts),
            refused=refusals(before, self.wish, tuple(self.ended)),
            alive=tuple(self.alive),
            unseen=(*self.unseen, *self.watch.refused),
            is_permitted=not self.watch.refused,
            is_stopped=self.world.stop is not None,
            wish=self.wish,
            **more,  # type: ignore[arg-type]  # names of its fields
        )

    def _forest(self) -> Forest:
        seen = self.watch.sighting()
        self.unseen.update(dict.fromkeys(self.watch.hidden(seen)))
        return grown(seen.queues, seen.other, seen.name_of, seen.here)

    def _drain(self) -> Forest:
        """Who is still blocked when it is time to look again; at once where nobody is any more."""
        until_s = self.world.now() + DRAIN_S
        while (forest := self._forest()).waiting and self.world.now() < until_s and self.world.stop is None:
            self.world.rest(_POLL_S)
        return forest

    # --- what gate's own runs left ------------------------------------------------------------------------------------

    def _end_own(self, stage: Sequence[tuple[Other, str]]) -> None:
        targets = [Target(backend=other.backend, who=who(other), why=why) for other, why in stage]
        done = end_run(self.watch, self.world, targets, grace_s=0.0, limit_s=_LIMIT_S, told=self.told)
        self._note(done, [other for other, _ in stage])

    # --- blockers that were named -------------------------------------------------------------------------------------

    def _end_named(self) -> None:
        """From the roots on: who is below one that was ended may block nobody any more."""
        while self.world.stop is None:
            found = [
                item for item in chosen(self._forest(), self.wish) if item.node.other.backend.pid not in self.ended
            ]
            if not found:
                return
            others = [item.node.other for item in found]
            self.ended |= {other.backend.pid: other for other in others}
            self._note(
                end_run(
                    self.watch,
                    self.world,
                    list(map(_target, found)),
                    grace_s=_GRACE_S if all(other.state == "active" for other in others) else 0.0,
                    limit_s=_LIMIT_S,
                    is_over=self._blocks_nobody,
                    told=self.told,
                ),
                others,
            )

    def _blocks_nobody(self, backend: Backend) -> bool:
        """A cancelled statement gives its locks back: then its session may live."""
        return all(node.other.backend != backend for node in self._forest().blockers)

    def _would_end(self, forest: Forest, runs: tuple[StandingRun, ...]) -> Iterable[tuple[Other, str]]:
        for stage in _stages(runs, ends_stuck=self.wish.ends_stuck):
            yield from stage
        for item in chosen(forest, self.wish):
            self.ended[item.node.other.backend.pid] = item.node.other
            yield item.node.other, item.why

    def _note(self, done: Ended, others: Iterable[Other]) -> None:
        self.acts += done.acts
        self.alive += [other for other in others if other.backend in done.alive]


def standing_runs(own: Iterable[OwnBackend]) -> tuple[StandingRun, ...]:
    """Of gate's connections, by their run; `left` is in the order in which it is to be ended."""
    by_run: dict[str, list[OwnBackend]] = defaultdict(list)
    for each in own:
        by_run[each.run].append(each)
    alive = {run for run, found in by_run.items() if any(each.has_lock for each in found)}
    return tuple(_standing(run, found, alive) for run, found in by_run.items())


def _standing(run: str, found: Sequence[OwnBackend], alive: set[str]) -> StandingRun:
    ages = [each.other.state_age_s for each in found if each.has_lock or each.what in _SPEAKS]
    heard = [age_s for age_s in ages if age_s is not None]
    silent_s = min(heard) if heard else None
    left = [each.other for each in found if is_left(each, alive)]
    return StandingRun(
        run=run,
        is_alive=run in alive,
        is_stuck=run in alive and silent_s is not None and silent_s > STUCK_AFTER * HEARTBEAT_S,
        silent_s=silent_s,
        left=tuple(left),
        # The lock goes last: as long as anything else of the run is there nobody may take it for dead.
        others=tuple(each.other for each in sorted(found, key=lambda each: each.has_lock) if each.other not in left),
    )


def _stages(runs: Iterable[StandingRun], *, ends_stuck: bool) -> Iterable[list[tuple[Other, str]]]:
    """What is ended of gate's own, each stage once the one before is gone."""
    listed = tuple(runs)
    yield [(other, f"left at work by run {run.run}, which is dead") for run in listed for other in run.left]
    for run in listed:
        if ends_stuck and run.is_stuck:
            why = f"of run {run.run}, which has its lock and has been silent for {run.silent_s or 0.0:.0f} s"
            yield [(other, why) for other in run.others[:-1]]
            yield [(other, why) for other in run.others[-1:]]


def who(other: Other) -> str:
    """`shop "psql"`."""
    named = f'"{other.application}"' if other.application else ""
    return " ".join(part for part in (other.user, named) if part)


def _target(item: Chosen) -> Target:
    other = item.node.other
    return Target(backend=other.backend, who=who(other), why=item.why, is_own=False)
