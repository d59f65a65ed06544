"""What each tool's file says: the statements that belong to "up", on which line, and how they are sent."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from gate.model.errors import InvalidSql, UsageError
from gate.model.migration import Migration, Sending
from gate.sources import find_source, tools
from gate.sources.flyway import checksum
from gate.sources.tool import Options

FILES = {
    "dbmate": "1_a.sql",
    "golang-migrate": "1_a.up.sql",
    "goose": "1_a.sql",
    "flyway": "V1__a.sql",
    "prisma": "1_a/migration.sql",
    "diesel": "1_a/up.sql",
    "sqitch": "deploy/a.sql",
    "plain": "1_a.sql",
}
HEADS = dict.fromkeys(FILES, "-- none\n") | {"dbmate": "-- migrate:up\n", "goose": "-- +goose Up\n"}
PLAN = "%project=shop\n\na 2026-01-01T00:00:00Z Ann <ann@example.com>\n"
TAKE_COPY = ("flyway", "sqitch", "plain")


def load(name: str, root: Path, text: str | bytes, **options: object) -> Migration:
    path = root / FILES[name]
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    if name == "sqitch":
        (root / "sqitch.plan").write_text(PLAN)
    source = find_source(root, told=name, options=Options(**options))  # type: ignore[arg-type] # by name
    (migration,) = source.migrations()
    assert (migration.text, migration.statements) == ("", ())
    return source.load(migration)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("begin", ["", "\ufeff"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_line_ends_and_byte_order_marks(name: str, begin: str, line_end: str, tmp_path: Path) -> None:
    text = f"{HEADS[name]}SELECT 1;\nSELECT\n  'ä' -- why\n;\n"
    loaded = load(name, tmp_path, begin + text.replace("\n", line_end))
    first, second = loaded.statements
    assert (first.sql, first.line, second.sql, second.line) == ("SELECT 1", 2, f"SELECT{line_end}  'ä'", 3)
    assert loaded.text[second.offset :].startswith("SELECT")


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_cannot_be_read_or_is_no_text(name: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"line 2: not UTF-8 \(byte 0xe4\)"):
        load(name, tmp_path, HEADS[name].encode() + b"SELECT '\xe4';\n")


@pytest.mark.parametrize("name", FILES)
def test_text_that_is_no_sql_and_psql_s_own_commands(name: str, tmp_path: Path) -> None:
    head = HEADS[name]
    with pytest.raises(InvalidSql, match="never closed") as caught:
        load(name, tmp_path, f"{head}SELECT 'a;\n")
    assert (caught.value.line, caught.value.column, caught.value.text) == (2, 8, "SELECT 'a;")
    assert caught.value.path.endswith(FILES[name])
    with pytest.raises(InvalidSql, match=r"\\i is a command of psql") as caught:
        load(name, tmp_path, f"{head}SELECT 1;\n\\i other.sql\n")
    assert caught.value.line == 3


@pytest.mark.parametrize("name", FILES)
def test_copy_data_where_the_tool_takes_it(name: str, tmp_path: Path) -> None:
    text = f"{HEADS[name]}COPY t FROM STDIN;\n1;'\n\\.\nSELECT 1;\n"
    if name in TAKE_COPY:
        copy, select = load(name, tmp_path, text).statements
        assert (copy.data, select.line) == ("1;'\n", 5)
        return
    with pytest.raises(InvalidSql, match="cannot be sent by the tool") as caught:
        load(name, tmp_path, text)
    assert caught.value.line == 2


SENT = [
    ("dbmate", "-- migrate:up\nSELECT 1;", True, Sending.IN_TRANSACTION),
    ("dbmate", "-- migrate:up transaction:true\nSELECT 1;", True, Sending.IN_TRANSACTION),
    ("dbmate", "--migrate:up  transaction:false other\r\nSELECT 1;", False, Sending.ONE_MESSAGE),
    ("golang-migrate", "SELECT 1;", False, Sending.ONE_MESSAGE),
    ("golang-migrate", "SELECT 1;SELECT 2", True, Sending.ONE_MESSAGE),
    ("goose", "-- +goose Up\nSELECT 1;", True, Sending.IN_TRANSACTION),
    ("goose", "-- +goose up\nSELECT 1;\n-- +goose NO TRANSACTION", False, Sending.EACH),
    ("flyway", "SELECT 1;", True, Sending.IN_TRANSACTION),
    ("flyway", "/* now */ CREATE UNIQUE INDEX -- no lock\n CONCURRENTLY ON t (a);", False, Sending.EACH),
    ("flyway", "VACUUM t; vacuum u", False, Sending.EACH),
    ("flyway", "REINDEX INDEX CONCURRENTLY i", True, Sending.IN_TRANSACTION),
    ("prisma", "SELECT 1;", False, Sending.ONE_MESSAGE),
    ("prisma", "SELECT 1; SELECT 2;", True, Sending.ONE_MESSAGE),
    ("diesel", "SELECT 1;", True, Sending.IN_TRANSACTION),
    ("sqitch", "BEGIN; SELECT 1; COMMIT;", False, Sending.EACH),
    ("plain", "SELECT 1;", True, Sending.IN_TRANSACTION),
]


@pytest.mark.parametrize(("name", "text", "is_transactional", "sending"), SENT)
def test_how_it_is_sent(name: str, text: str, is_transactional: bool, sending: Sending, tmp_path: Path) -> None:  # noqa: FBT001 - a case
    loaded = load(name, tmp_path, text)
    assert (loaded.is_transactional, loaded.sending) == (is_transactional, sending)


def test_golang_migrate_s_own_splitting(tmp_path: Path) -> None:
    loaded = load("golang-migrate", tmp_path, "SELECT 1; SELECT 2", is_split=True)
    assert (loaded.is_transactional, loaded.sending) == (False, Sending.EACH)


@pytest.mark.parametrize(
    ("metadata", "is_transactional"),
    [("run_in_transaction = false", False), ("run_in_transaction = true", True), ("other = 1", False), ("{", True)],
)
def test_diesel_s_metadata(metadata: str, is_transactional: bool, tmp_path: Path) -> None:  # noqa: FBT001 - a case
    (tmp_path / "1_a").mkdir()
    (tmp_path / "1_a" / "metadata.toml").write_text(metadata)
    assert load("diesel", tmp_path, "SELECT 1").is_transactional == is_transactional


@pytest.mark.parametrize(
    ("conf", "is_transactional"), [("executeInTransaction=true", True), ("executeInTransaction=false", False)]
)
def test_flyway_s_script_configuration(conf: str, is_transactional: bool, tmp_path: Path) -> None:  # noqa: FBT001 - a case
    (tmp_path / "V1__a.sql.conf").write_text(f"# why\n{conf}\n")
    assert load("flyway", tmp_path, "SELECT 1; VACUUM t;").is_transactional == is_transactional


REFUSED = [
    ("dbmate", "SELECT 1;", "has no `-- migrate:up`"),
    ("dbmate", "SELECT 1;\n-- migrate:up\n-- migrate:down", "statements stand before"),
    ("dbmate", "-- migrate:down\n-- migrate:up\n", "stands before"),
    ("dbmate", "-- migrate:up\n-- migrate:down\n-- migrate:up\n", "more than one"),
    ("goose", "SELECT 1;", "has no `-- \\+goose Up`"),
    ("goose", "-- +goose Up\n-- +goose Up\n", "more than one"),
    ("goose", "-- +goose Up\n-- +goose Upwards\n", "line 2: goose does not know the annotation Upwards"),
    ("goose", "-- +goose ENVSUB ON\n-- +goose Up\nSELECT '$A';", "line 1: with ENVSUB"),
    ("flyway", "SELECT 1;\nVACUUM t;", "line 2: this statement cannot run in a transaction"),
    ("flyway", "SELECT 1;\nSELECT '${who}';", "line 2: no value for the placeholder"),
    ("diesel", "", "is empty"),
]


@pytest.mark.parametrize(("name", "text", "problem"), REFUSED)
def test_what_the_tool_itself_refuses(name: str, text: str, problem: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=problem) as caught:
        load(name, tmp_path, text)
    assert caught.value.remedy


DIRECTORIES = [
    ("golang-migrate", ["1_a.up.sql", "01_b.up.sql"], "have the same version"),
    ("goose", ["1_a.sql", "001_b.sql"], "have the same version"),
    ("goose", ["1_a.sql", "schema.sql"], "has no version"),
    ("goose", ["0_a.sql"], "has no version"),
    ("flyway", ["V1__a.sql", "V1.0__b.sql"], "have the same version"),
    ("flyway", ["R__a.sql", "x/R__a.sql"], "have the same version or description"),
    ("prisma", ["1_a/other.sql"], "has no migration.sql"),
    ("diesel", ["1_a/down.sql"], "has no up.sql"),
    ("diesel", ["2026-01-01_a/up.sql", "20260101_b/up.sql"], "have the same version"),
    ("plain", ["1_a.sql", "1_a.up.sql"], "have the same id"),
]


@pytest.mark.parametrize(("name", "files", "problem"), DIRECTORIES)
def test_directories_that_the_tool_itself_refuses(name: str, files: list[str], problem: str, tmp_path: Path) -> None:
    for file in files:
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).touch()
    with pytest.raises(UsageError, match=problem):
        find_source(tmp_path, told=name).migrations()


ORDERS = {
    "dbmate": (["9_a.sql", "10_b.sql", "x.sql"], ["10", "9"]),
    "golang-migrate": (["9_a.up.sql", "10_b.up.sql", "11_c.down.sql", "x.sql"], ["9", "10", "11"]),
    "goose": (["9_a.sql", "10_b.sql", "11_c.go", "12_c_test.go", "main.go"], ["9", "10", "11"]),
    "flyway": (["V9__a.sql", "V10__b.sql", "V9_1__c.sql", "R__b.sql", "R__a_b.sql"], ["9", "9.1", "10", "a b", "b"]),
    "prisma": (["9_a/migration.sql", "10_b/migration.sql"], ["10_b", "9_a"]),
    "diesel": (["2026-01-02-000000_a/up.sql", "2026-01-01-000000_b/up.sql"], ["20260101000000", "20260102000000"]),
    "plain": (["9_a.sql", "10_b.up.sql", "10_b.down.sql", "11.sql", "x.sql"], ["9_a", "10_b", "11"]),
}


@pytest.mark.parametrize("name", ORDERS)
def test_order_and_ids(name: str, tmp_path: Path) -> None:
    files, ids = ORDERS[name]
    for file in files:
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).touch()
    assert [one.id for one in find_source(tmp_path, told=name).migrations()] == ids


def test_a_migration_in_go_is_refused_only_when_it_is_loaded(tmp_path: Path) -> None:
    (tmp_path / "1_a.go").touch()
    source = find_source(tmp_path, told="goose")
    with pytest.raises(UsageError, match="written in Go"):
        source.load(source.migrations()[0])


def test_a_version_with_only_a_way_down_runs_nothing(tmp_path: Path) -> None:
    (tmp_path / "1_a.down.sql").write_text("DROP TABLE t")
    source = find_source(tmp_path, told="golang-migrate")
    (only,) = source.migrations()
    assert (only.id, source.load(only).statements) == ("1", ())


def test_flyway_s_placeholders_and_checksums(tmp_path: Path) -> None:
    loaded = load("flyway", tmp_path, "SELECT '${Who}';", placeholders=(("who", "ann"),))
    assert (loaded.statements[0].sql, loaded.checksum) == ("SELECT 'ann'", checksum("SELECT '${Who}';"))
    (tmp_path / "V1__a.sql").unlink()
    (tmp_path / "R__b.sql").write_text("SELECT '${who}';")
    source = find_source(tmp_path, told="flyway", options=Options(placeholders=(("who", "ann"),)))
    (repeatable,) = source.migrations()
    assert (repeatable.checksum, repeatable.equal_checksums) == (
        checksum("SELECT 'ann';"),
        (checksum("SELECT '${who}';"),),
    )


def test_flyway_s_checksum_is_that_of_the_lines() -> None:
    """CRC-32 of `ab` is 0x9E83486D; Flyway writes it as a signed number."""
    assert checksum("a\nb") == checksum("a\r\nb\r\n") == checksum("a\rb") == 0x9E83486D - 2**32


def test_every_tool_has_a_file_here() -> None:
    assert sorted(FILES) == sorted(tool.name for tool in tools())


@pytest.mark.parametrize("name", ["dbmate", "golang-migrate", "goose", "flyway", "plain"])
def test_a_file_that_is_not_there_any_more(name: str, tmp_path: Path) -> None:
    (tmp_path / FILES[name]).symlink_to(tmp_path / "nowhere")
    source = find_source(tmp_path, told=name)
    with pytest.raises(UsageError, match=r"cannot read .*No such file") as caught:
        source.load(source.migrations()[0])
    assert caught.value.remedy == "check the file and its permissions"


def test_a_change_of_sqitch_s_without_its_script(tmp_path: Path) -> None:
    (tmp_path / "sqitch.plan").write_text(PLAN)
    source = find_source(tmp_path)
    (change,) = source.migrations()
    assert change.checksum is None
    with pytest.raises(UsageError, match=r"cannot read .*deploy/a\.sql"):
        source.load(change)


@pytest.mark.parametrize(
    ("plan", "line"),
    [
        ("%project=a\n\nnot a change\n", 3),
        ("a 2026-01-01T00:00:00Z A <a@b>\n", 1),
        ("%project=a\n\n@t 2026-01-01T00:00:00Z A <a@b>\n", 3),
    ],
)
def test_a_plan_of_sqitch_s_that_is_none(plan: str, line: int, tmp_path: Path) -> None:
    (tmp_path / "sqitch.plan").write_text(plan)
    with pytest.raises(UsageError, match=f"sqitch.plan, line {line}: not a line of a sqitch plan"):
        find_source(tmp_path).migrations()


def test_sqitch_s_configuration_says_where_things_are(tmp_path: Path) -> None:
    (tmp_path / "sqitch.conf").write_text(
        '[core]\n\ttop_dir = db\n\textension = ddl\n[engine "pg"]\n\tregistry = "log"\n'
    )
    (tmp_path / "db" / "deploy").mkdir(parents=True)
    (tmp_path / "db" / "sqitch.plan").write_text(PLAN)
    (tmp_path / "db" / "deploy" / "a.ddl").write_text("SELECT 1;")
    source = find_source(tmp_path)
    (change,) = source.migrations()
    assert (source.default_schema, len(source.load(change).statements)) == ("log", 1)


@pytest.mark.parametrize("name", FILES)
def test_nothing_of_the_parser_is_imported(name: str, tmp_path: Path) -> None:
    load(name, tmp_path, f"{HEADS[name]}SELECT 1;")
    program = (
        "import sys\nfrom pathlib import Path\nfrom gate.sources import find_source\n"
        f"source = find_source(Path({str(tmp_path)!r}), told={name!r})\nsource.load(source.migrations()[0])\n"
        "print([name for name in sys.modules if name.partition('.')[0] in ('postgast', 'httpx', 'psycopg', 'google')])"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert said.strip() == "[]"
