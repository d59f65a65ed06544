"""What is released while accidents happen: a schema with rows, and the migrations of one project."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

from gate.model.rates import Figures
from tests.laws.case import LawCase

PREFIX = "2026011"


@dataclass(frozen=True, kw_only=True)
class Script:
    """One migration's SQL; `is_whole` False where its tool is told to open no transaction."""

    sql: str
    is_whole: bool = True


@dataclass(frozen=True, kw_only=True)
class CrashCase:
    """`unlike`, `reorders`, `also`, `since` and `until` are as in LawCase; `tool` is who keeps the books.

    `changed` is what the first migration says after somebody has edited its file; it must lead from the same schema to
    an end of its own. `numbers` is True where rows get their values from a sequence, which a crash leaves gaps in.
    """

    name: str
    setup: str
    scripts: tuple[Script, ...]
    tool: str = "dbmate"
    since: int = 14
    until: int = 18
    unlike: tuple[str, ...] = ()
    reorders: bool = False
    numbers: bool = False
    changed: str = ""
    also: str = ""

    def __str__(self) -> str:
        return self.name

    def __contains__(self, major: int) -> bool:
        return self.since <= major <= self.until


BEFORE = Script(sql="CREATE TABLE before (id int)")
"""Every project has a migration that was applied long ago."""


def of_law(name: str, law: LawCase) -> CrashCase:
    """The statement of a law, as a migration."""
    return CrashCase(
        name=name,
        setup=law.setup,
        scripts=(Script(sql=law.sql, is_whole=not law.is_alone),),
        since=law.since,
        until=law.until,
        unlike=law.unlike,
        reorders=law.reorders,
        also=law.also,
    )


def write(case: CrashCase, root: Path) -> tuple[Path, ...]:
    """The project as the tool wants it; the files that hold the scripts, in order."""
    (root / "gate.toml").write_text(_SETTINGS)
    _WRITERS[case.tool](root, 0, BEFORE)
    return tuple(_WRITERS[case.tool](root, number, script) for number, script in enumerate(case.scripts, start=1))


def text(tool: str, script: Script) -> str:
    """What a file of the tool says of it."""
    match tool:
        case "dbmate":
            option = "" if script.is_whole else " transaction:false"
            return f"-- migrate:up{option}\n{script.sql};\n\n-- migrate:down\n"
        case "goose":
            option = "" if script.is_whole else "-- +goose NO TRANSACTION\n"
            return f"{option}-- +goose Up\n{script.sql};\n\n-- +goose Down\n"
        case _:
            return f"{script.sql};\n"


# A server so slow that a few thousand rows are much work; and waits that are short, for nobody else is on it but what
# an accident left there.
_SLOWNESS = 300
_FIGURES = "\n".join(
    f"{name} = {value * _SLOWNESS}" for name, value in asdict(Figures()).items() if name.endswith(("row_ns", "call_ns"))
)
_SETTINGS = f"""
budget = "1h"

[limits]
batch_rows = 500

[release]
lock_wait = "20s"
runner_wait = "1s"

[calibration]
{_FIGURES}
"""


def _written(path: Path, tool: str, script: Script) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text(tool, script))
    return path


def _dbmate(root: Path, number: int, script: Script) -> Path:
    return _written(root / "db" / "migrations" / f"{PREFIX}{number}000000_step.sql", "dbmate", script)


def _golang_migrate(root: Path, number: int, script: Script) -> Path:
    return _written(root / "migrations" / f"00001{number}_step.up.sql", "golang-migrate", script)


def _goose(root: Path, number: int, script: Script) -> Path:
    return _written(root / "migrations" / f"0001{number}_step.sql", "goose", script)


def _prisma(root: Path, number: int, script: Script) -> Path:
    _lock = root / "prisma" / "migrations" / "migration_lock.toml"
    _lock.parent.mkdir(parents=True, exist_ok=True)
    _lock.write_text('provider = "postgresql"\n')
    return _written(_lock.parent / f"{PREFIX}{number}000000_step" / "migration.sql", "prisma", script)


def _flyway(root: Path, number: int, script: Script) -> Path:
    where = root / "src" / "main" / "resources" / "db" / "migration"
    path = _written(where / f"V1{number}__step.sql", "flyway", script)
    if not script.is_whole:
        path.with_name(path.name + ".conf").write_text("executeInTransaction=false\n")
    return path


def _diesel(root: Path, number: int, script: Script) -> Path:
    (root / "diesel.toml").write_text('[migrations_directory]\ndir = "migrations"\n')
    where = root / "migrations" / f"2026-01-1{number}-000000_step"
    path = _written(where / "up.sql", "diesel", script)
    (where / "down.sql").write_text("SELECT 1;\n")
    if not script.is_whole:
        (where / "metadata.toml").write_text("run_in_transaction = false\n")
    return path


def _plain(root: Path, number: int, script: Script) -> Path:
    return _written(root / "sql" / f"01{number}_step.sql", "plain", script)


_WRITERS = {
    "dbmate": _dbmate,
    "golang-migrate": _golang_migrate,
    "goose": _goose,
    "prisma": _prisma,
    "flyway": _flyway,
    "diesel": _diesel,
    "plain": _plain,
}
TOOLS = tuple(_WRITERS)
