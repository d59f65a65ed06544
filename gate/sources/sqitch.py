"""sqitch: `sqitch.plan` beside `deploy/name.sql`.

psql runs each script, which begins and commits by itself. The registry, a schema of its own, holds the changes with
their ids and script hashes, their dependencies and tags, and a log of events; sqitch creates it. Source: Engine.pm,
Engine/pg.sql and Role/DBIEngine.pm of sqitchers/sqitch 1.x.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from gate.model.errors import UsageError
from gate.model.migration import Migration, Query, Sending
from gate.sources.files import bytes_of, names_in, shown, text_of
from gate.sources.sqitch_plan import Change, Dependency, Layout, Plan, read_layout, read_plan, script_hash
from gate.sources.state import database_ahead, edited_after_applied, file_missing, out_of_order
from gate.sources.tool import DEFAULTS, Applied, FoundTable, Options, Pending, Place, Row, Source, Tool, identifier
from gate.sql.script import split_script

_LOCK = 75474063
"""`try_lock` of Engine/pg.pm."""


@dataclass(frozen=True)
class Sqitch:
    """A project of sqitch's: the directory that holds its plan."""

    directory: Path
    options: Options = DEFAULTS
    name: str = "sqitch"
    default_table: str = "changes"
    marks_inside: bool = False

    @property
    def default_schema(self) -> str:
        return self._layout().registry

    def migrations(self) -> tuple[Migration, ...]:
        """In the plan's order; `id` is the change's SHA-1, `name` its name."""
        layout = self._layout()
        return tuple(self._migration(layout, change) for change in self._plan().changes) if layout.plan.exists() else ()

    def _migration(self, layout: Layout, change: Change) -> Migration:
        script = layout.deploy_script(change)
        content = script_hash(bytes_of(script)) if script.is_file() else None
        return Migration(id=change.id, path=shown(script), text="", name=change.name, checksum=content)

    def load(self, migration: Migration) -> Migration:
        return _loaded(migration, Path(migration.path or ""))

    def is_bookkeeping(self, found: FoundTable) -> bool:
        return found.has("change_id", "script_hash", "change", "project", "committed_at", "planned_at")

    def rows(self, place: Place) -> Query:
        """Of this project; of all that share the registry where there is no plan to name one."""
        columns = f"SELECT change_id, script_hash, change FROM {place.sql}"
        if not self._layout().plan.exists():
            return Query(f"{columns} ORDER BY committed_at")
        return Query(f"{columns} WHERE project = %s ORDER BY committed_at", (self._plan().project,))

    def pending(self, migrations: Sequence[Migration], rows: Sequence[Row] | None) -> Pending:
        """Whatever follows the change that was deployed last; sqitch looks at nothing else."""
        deployed = {str(row["change_id"]): row for row in rows or ()}
        if not deployed:
            return Pending(migrations=tuple(migrations))
        known = {migration.id or "": at for at, migration in enumerate(migrations)}
        last = next(reversed(deployed))
        if last not in known:
            return self._beyond_the_plan(migrations, deployed)
        before, after = migrations[: known[last]], migrations[known[last] + 1 :]
        edited = [
            one.name for one in migrations if one.id in deployed and deployed[one.id]["script_hash"] != one.checksum
        ]
        return Pending(
            migrations=tuple(after),
            findings=(
                *file_missing(
                    [str(row["change"]) for key, row in deployed.items() if key not in known],
                    tool="sqitch",
                    behaviour="does not look",
                    severity="note",
                ),
                *edited_after_applied(
                    edited,
                    behaviour="sqitch deploys all the same",
                    severity="warn",
                    remedy="restore the script from version control, and use `sqitch rework`",
                ),
                *out_of_order(
                    [one.name for one in before if one.id not in deployed],
                    str(deployed[last]["change"]),
                    behaviour="sqitch passes it over",
                    severity="warn",
                    remedy="move it to the end of the plan",
                ),
            ),
        )

    def _beyond_the_plan(self, migrations: Sequence[Migration], deployed: dict[str, Row]) -> Pending:
        """The last deployed change is not in the plan: ahead if the plan is deployed whole, else another plan."""
        ids = {migration.id for migration in migrations}
        extra = {key: row for key, row in deployed.items() if key not in ids}
        names = [str(row["change"]) for row in extra.values()]
        stops = "itself stops here: it cannot find the change in its plan"
        if all(migration.id in deployed for migration in migrations):
            return Pending(ahead=tuple(extra), findings=database_ahead(names, tool="sqitch", behaviour=stops))
        return Pending(findings=file_missing(names, tool="sqitch", behaviour=stops, severity="refuse"))

    def applied(self, migrations: Sequence[Migration], rows: Sequence[Row]) -> Applied:
        """By the SHA-1 of a change, and by its name: that of the last one where a change was reworked."""
        deployed = {str(row["change"]): str(row["change_id"]) for row in rows}
        planned = {one.name: one.id or "" for one in migrations}
        return Applied(ids=frozenset(str(row["change_id"]) for row in rows), names={**deployed, **planned})

    def creates_bookkeeping(self, place: Place) -> tuple[Query, ...]:
        raise UsageError(
            f"the registry of sqitch, schema {place.schema}, is not there, and only sqitch creates it",
            remedy="run `sqitch deploy --to CHANGE` once with the plan's first change, then gate takes over",
        )

    def begins(self, migration: Migration, place: Place) -> tuple[Query, ...]:  # noqa: ARG002 - sqitch leaves no trace
        return ()

    def marks(self, migration: Migration, place: Place) -> tuple[Query, ...]:
        """The project if it is new, the change, its dependencies and tags, the event; as `log_deploy_change`."""
        plan, change = self._plan(), self._change(migration)
        return (
            self._registers(plan, place.schema),
            self._logs_change(plan, change, migration.checksum, place),
            *(self._logs_dependency(plan, change, one, place.schema) for one in change.dependencies),
            *self._logs_tags(plan, change, place.schema),
            self._logs_event(plan, change, place.schema),
        )

    def down(self, migration: Migration) -> Migration | None:
        """The script in `revert/`; psql runs it as it does the other."""
        script = self._layout().revert_script(self._change(migration))
        found = _loaded(migration, script) if script.is_file() else None
        return found if found and found.statements else None

    def unmarks(self, migration: Migration, place: Place) -> tuple[Query, ...]:
        """The event with what goes, and then the change and all that hangs on it; as `log_revert_change`."""
        tags = f"{identifier(place.schema)}.tags"
        return (
            self._logs_reversion(migration, place),
            Query(f"DELETE FROM {tags} WHERE change_id = %s", (migration.id,)),
            Query(f"DELETE FROM {place.sql} WHERE change_id = %s", (migration.id,)),
        )

    def locks(self, database: str, place: Place) -> tuple[int, ...]:  # noqa: ARG002 - one number for all
        return (_LOCK,)

    def _logs_reversion(self, migration: Migration, place: Place) -> Query:
        """Nothing where the change was not deployed."""
        schema = identifier(place.schema)
        depends = f"SELECT dependency FROM {schema}.dependencies d WHERE d.change_id = c.change_id AND d.type ="
        return Query(
            f"INSERT INTO {schema}.events (event, change_id, change, project, note, tags, requires, conflicts, "
            "committer_name, committer_email, planned_at, planner_name, planner_email, committed_at) "
            "SELECT 'revert', c.change_id, c.change, c.project, c.note, "
            f"ARRAY(SELECT tag FROM {schema}.tags t WHERE t.change_id = c.change_id), "
            f"ARRAY({depends} 'require'), ARRAY({depends} 'conflict'), "
            "%s, %s, c.planned_at, c.planner_name, c.planner_email, clock_timestamp() "
            f"FROM {place.sql} c WHERE c.change_id = %s",
            (*self._committer, migration.id),
        )

    def _registers(self, plan: Plan, schema: str) -> Query:
        projects = f"{identifier(schema)}.projects"
        return Query(
            f"INSERT INTO {projects} (project, uri, creator_name, creator_email, created_at) "
            f"SELECT %s, %s, %s, %s, clock_timestamp() WHERE NOT EXISTS (SELECT FROM {projects} WHERE project = %s)",
            (plan.project, plan.uri, *self._committer, plan.project),
        )

    def _logs_change(self, plan: Plan, change: Change, hashed: str | int | None, place: Place) -> Query:
        return Query(
            f"INSERT INTO {place.sql} (change_id, script_hash, change, project, note, committer_name, committer_email, "
            "planned_at, planner_name, planner_email, committed_at) "
            "VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, clock_timestamp())",
            (change.id, hashed, change.name, plan.project, change.note, *self._committer, *change.planned),
        )

    def _logs_dependency(self, plan: Plan, change: Change, dependency: Dependency, schema: str) -> Query:
        table = f"{identifier(schema)}.dependencies"
        head = f"INSERT INTO {table} (change_id, type, dependency, dependency_id) "
        if dependency.is_conflict:
            return Query(f"{head} VALUES (%s, 'conflict', %s, NULL)", (change.id, dependency.text))
        if dependency.project in (None, plan.project):
            return Query(
                f"{head} VALUES (%s, 'require', %s, %s)",
                (change.id, dependency.text, plan.resolved(change, dependency)),
            )
        elsewhere = f"{identifier(schema)}.{'changes' if dependency.change else 'tags'}"
        column = "change" if dependency.change else "tag"
        return Query(
            f"{head} VALUES (%s, 'require', %s, "
            f"(SELECT change_id FROM {elsewhere} WHERE project = %s AND {column} = %s "
            "ORDER BY committed_at DESC LIMIT 1))",
            (change.id, dependency.text, dependency.project, dependency.change or f"@{dependency.tag}"),
        )

    def _logs_tags(self, plan: Plan, change: Change, schema: str) -> tuple[Query, ...]:
        return tuple(
            Query(
                f"INSERT INTO {identifier(schema)}.tags (tag_id, tag, project, change_id, note, committer_name, "
                "committer_email, planned_at, planner_name, planner_email, committed_at) "
                "VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, clock_timestamp())",
                (tag.id, f"@{tag.name}", plan.project, change.id, tag.note, *self._committer, *tag.planned),
            )
            for tag in change.tags
        )

    def _logs_event(self, plan: Plan, change: Change, schema: str) -> Query:
        return Query(
            f"INSERT INTO {identifier(schema)}.events (event, change_id, change, project, note, tags, requires, "
            "conflicts, committer_name, committer_email, planned_at, planner_name, planner_email, committed_at) "
            "VALUES ('deploy', %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, clock_timestamp())",
            (
                change.id,
                change.name,
                plan.project,
                change.note,
                [f"@{tag.name}" for tag in change.tags],
                [one.text for one in change.dependencies if not one.is_conflict],
                [one.text for one in change.dependencies if one.is_conflict],
                *self._committer,
                *change.planned,
            ),
        )

    def _change(self, migration: Migration) -> Change:
        return next(one for one in self._plan().changes if one.id == migration.id)

    @property
    def _committer(self) -> tuple[str, str]:
        return self.options.committer_name, self.options.committer_email

    def _layout(self) -> Layout:
        return read_layout(self.directory)

    def _plan(self) -> Plan:
        layout = self._layout()
        return read_plan(text_of(layout.plan), shown(layout.plan))


def _loaded(migration: Migration, script: Path) -> Migration:
    path, text = shown(script), text_of(script)
    statements = split_script(text, path=path, copy_data=True)
    return replace(migration, path=path, text=text, statements=statements, is_transactional=False, sending=Sending.EACH)


def _recognises(directory: Path) -> str | None:
    return "sqitch.plan" if "sqitch.plan" in names_in(directory) else None


def _source(directory: Path, options: Options) -> Source:
    return Sqitch(directory, options)


TOOL = Tool(name="sqitch", usual=(".", "db", "migrations"), recognises=_recognises, source=_source)
