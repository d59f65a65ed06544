"""What holds for all tools: an example is recognised, applied and marked on a real server, and then nothing waits."""

from __future__ import annotations

from pathlib import Path

import pytest

from gate.model.errors import UsageError
from gate.sources import find_source, tools
from gate.sources.state import new_place
from gate.sources.tool import Options, Pending, Place
from tests.servers import Database
from tests.sources.running import EXAMPLES, World, world

# The bookkeeping is plain tables; one test below writes and reads it on every major.
pytestmark = pytest.mark.majors(newest=True)
NAMES = [tool.name for tool in tools()]
CREATABLE = [name for name in NAMES if name != "sqitch"]
WITHOUT_A_WAY_BACK = ["flyway", "plain", "prisma"]
WITH_A_WAY_BACK = [name for name in CREATABLE if name not in WITHOUT_A_WAY_BACK]
RELATIONS = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY 1"


def test_there_is_an_example_for_every_tool() -> None:
    assert sorted(path.name for path in EXAMPLES.iterdir()) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_an_example_is_recognised_from_the_project_s_root_and_from_its_own_directory(name: str) -> None:
    source = find_source(EXAMPLES / name)
    assert source.name == name
    again = find_source(source.directory)
    assert (again.name, again.directory) == (name, source.directory)


@pytest.mark.majors
@pytest.mark.parametrize("name", CREATABLE)
@pytest.mark.parametrize("marks_beginnings", [False, True])
def test_after_all_is_applied_nothing_waits(name: str, marks_beginnings: bool, database: Database) -> None:  # noqa: FBT001 - a case
    here = world(EXAMPLES / name, database)
    assert here.state().findings == ()
    assert here.ids() == [migration.id for migration in here.source.migrations()]
    here.apply(here.state().migrations, marks_beginnings=marks_beginnings)
    assert (here.ids(), here.state().findings, here.state().ahead) == ([], (), ())


@pytest.mark.parametrize("name", CREATABLE)
def test_one_by_one(name: str, database: Database) -> None:
    here = world(EXAMPLES / name, database)
    everything = here.ids()
    here.apply(here.state().migrations[:1])
    assert here.ids() == everything[1:]
    assert here.rules() == {}


@pytest.mark.parametrize("name", CREATABLE)
def test_table_and_schema_are_settable_and_any_name_will_do(name: str, database: Database) -> None:
    here = world(EXAMPLES / name, database, Options(table='odd "name" 50% \\s', schema="Größe'$gate$ 5%\\"))
    here.apply(here.state().migrations)
    assert here.place() == Place("Größe'$gate$ 5%\\", 'odd "name" 50% \\s')
    assert here.ids() == []


@pytest.mark.parametrize("name", CREATABLE)
def test_bookkeeping_is_found_in_any_schema(name: str, database: Database) -> None:
    here = world(EXAMPLES / name, database, Options(schema="elsewhere"))
    here.apply(here.state().migrations)
    found = world(EXAMPLES / name, database)
    assert found.place() == Place("elsewhere", here.source.default_table)
    assert found.ids() == []


@pytest.mark.parametrize("name", CREATABLE)
def test_of_two_the_session_s_own_is_meant_and_without_it_neither(name: str, database: Database) -> None:
    for schema in ("one", "two"):
        here = world(EXAMPLES / name, database, Options(schema=schema))
        here.run(*here.source.creates_bookkeeping(Place(schema, here.source.default_table)))
    with pytest.raises(UsageError, match=r"one\.\S+, two\.") as caught:
        world(EXAMPLES / name, database).place()
    assert "schema" in caught.value.remedy
    here.run(*here.source.creates_bookkeeping(Place("public", here.source.default_table)))
    assert world(EXAMPLES / name, database).place() == Place("public", here.source.default_table)


@pytest.mark.parametrize("name", NAMES)
def test_absent_bookkeeping_beside_user_tables_is_refused(name: str, database: Database) -> None:
    database.execute("CREATE TABLE something ()")
    (finding,) = world(EXAMPLES / name, database).state().findings
    assert (finding.rule, finding.severity) == ("bookkeeping-missing", "refuse")
    assert find_source(EXAMPLES / name).default_table in finding.problem
    assert "gate baseline --through ID" in finding.remedy
    assert "--first-run" in finding.remedy
    (told,) = world(EXAMPLES / name, database, Options(is_first_run=True)).state().findings
    assert (told.rule, told.severity) == ("first-run", "note")


def test_tables_of_extensions_are_not_the_user_s(database: Database) -> None:
    database.execute("CREATE SCHEMA gate; CREATE TABLE gate.runs (); CREATE VIEW v AS SELECT 1")
    assert world(EXAMPLES / "dbmate", database).state().findings == ()


SHARED = {
    "dbmate": "CREATE TABLE schema_migrations (version varchar PRIMARY KEY)",
    "golang-migrate": "CREATE TABLE schema_migrations (version bigint PRIMARY KEY, dirty boolean NOT NULL)",
    "rails": "CREATE TABLE schema_migrations (version varchar); CREATE TABLE ar_internal_metadata (key varchar)",
}


@pytest.mark.parametrize("owner", SHARED)
@pytest.mark.parametrize("name", ["dbmate", "golang-migrate"])
def test_schema_migrations_is_told_apart_by_its_columns(name: str, owner: str, database: Database) -> None:
    database.execute(SHARED[owner])
    here = world(EXAMPLES / name, database)
    assert (here.place() is not None) == (name == owner)
    if name != owner:
        (finding,) = here.state().findings
        assert f"public.schema_migrations is there, but its columns are not {name}'s" in finding.problem


def test_only_sqitch_creates_its_registry() -> None:
    with pytest.raises(UsageError, match="only sqitch creates it") as caught:
        find_source(EXAMPLES / "sqitch").creates_bookkeeping(Place("sqitch", "changes"))
    assert "sqitch deploy" in caught.value.remedy


@pytest.mark.parametrize("name", NAMES)
def test_a_directory_without_migrations_has_nothing_pending(name: str, tmp_path: Path, database: Database) -> None:
    database.execute("CREATE TABLE something ()")
    source = find_source(tmp_path, told=name)
    assert World(source, database).state() == Pending()


@pytest.mark.parametrize("name", CREATABLE)
def test_a_database_is_adopted_by_marking_without_running(name: str, database: Database) -> None:
    """What `gate baseline --through ID` does."""
    database.execute("CREATE TABLE account (id bigint PRIMARY KEY, email text NOT NULL)")
    here = world(EXAMPLES / name, database)
    first, second, *rest = here.source.migrations()
    place = new_place(here.source, current_schema="public")
    here.run(*here.source.creates_bookkeeping(place))
    for migration in (first, second):
        here.run(*here.source.marks(migration, place))
    assert (here.ids(), here.rules()) == ([migration.id for migration in rest], {})


@pytest.mark.parametrize("name", CREATABLE)
def test_marks_fit_into_the_migration_s_own_transaction(name: str, database: Database) -> None:
    """Undone with it, they leave no trace."""
    here = world(EXAMPLES / name, database)
    place = new_place(here.source, current_schema="public")
    here.run(*here.source.creates_bookkeeping(place))
    before = here.ids()
    loaded = here.source.load(here.source.migrations()[0])
    with database.connect(autocommit=False) as connection:
        for query in (*here.source.begins(loaded, place), *here.source.marks(loaded, place)):
            connection.execute(query.sql.encode(), query.parameters)
        connection.rollback()
    assert here.ids() == before


@pytest.mark.parametrize("name", CREATABLE)
def test_no_percent_sign_is_left_for_a_driver_to_stumble_over(name: str) -> None:
    """Whether or not it is handed parameters."""
    source = find_source(EXAMPLES / name, options=Options(schema="5%"))
    place = Place("5%", "6%")
    loaded = source.load(source.migrations()[0])
    marks = (*source.begins(loaded, place), *source.marks(loaded, place), *source.unmarks(loaded, place))
    for query in (*source.creates_bookkeeping(place), *marks):
        assert query.sql.count("%") == query.sql.count("%s") == len(query.parameters)


# --- the way back -----------------------------------------------------------------------------------------------------


@pytest.mark.majors
@pytest.mark.parametrize("name", WITH_A_WAY_BACK)
def test_what_is_taken_back_is_pending_again(name: str, database: Database) -> None:
    here = world(EXAMPLES / name, database)
    everything = here.state().migrations
    here.apply(everything)
    here.take_back(everything[-1:])
    assert (here.ids(), here.rules()) == ([everything[-1].id], {})
    here.take_back(everything[:-1])
    assert (here.ids(), here.rules()) == ([migration.id for migration in everything], {})
    here.apply(everything)
    assert (here.ids(), here.rules()) == ([], {})


@pytest.mark.parametrize("name", WITH_A_WAY_BACK)
def test_all_that_was_made_goes(name: str, database: Database) -> None:
    here = world(EXAMPLES / name, database)
    place = new_place(here.source, current_schema="public")
    here.run(*here.source.creates_bookkeeping(place))
    before = database.fetch(RELATIONS)
    here.apply(here.state().migrations)
    here.take_back(here.source.migrations())
    assert database.fetch(RELATIONS) == before
    assert database.fetch("SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace") == []


@pytest.mark.parametrize("name", WITH_A_WAY_BACK)
@pytest.mark.parametrize("marks_beginnings", [False, True])
def test_one_that_failed_was_not_marked(name: str, marks_beginnings: bool, database: Database) -> None:  # noqa: FBT001 - a case
    """Then what is written is the same, and the earlier ones stay applied."""
    here = world(EXAMPLES / name, database)
    first, second, *rest = here.source.migrations()
    here.apply((first,))
    place = here.place()
    assert place is not None
    if marks_beginnings:
        here.run(*here.source.begins(second, place))
    here.run(*here.source.unmarks(second, place))
    assert (here.ids(), here.rules()) == ([migration.id for migration in (second, *rest)], {})


@pytest.mark.parametrize("name", WITHOUT_A_WAY_BACK)
def test_some_have_no_way_back(name: str) -> None:
    source = find_source(EXAMPLES / name)
    for migration in source.migrations():
        assert source.down(migration) is None
        assert source.unmarks(migration, Place("public", "x")) == ()
