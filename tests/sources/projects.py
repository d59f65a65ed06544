"""Projects of every tool, written migration by migration as the tool wants its files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

CONF = '[core]\n\tengine = pg\n[engine "pg"]\n\ttarget = db:pg:\n'
PLAN = "%syntax-version=1.0.0\n%project=shop\n\n"


@dataclass
class Project:
    """A project's root, with nothing in it yet; `last` is the change that sqitch's next one requires."""

    tool: str
    root: Path
    last: str = ""

    def __post_init__(self) -> None:
        self.root.mkdir(parents=True, exist_ok=True)
        self.directory.mkdir(parents=True, exist_ok=True)
        if self.tool == "prisma":
            (self.directory / "migration_lock.toml").write_text('provider = "postgresql"\n')
        if self.tool == "sqitch":
            (self.root / "sqitch.conf").write_text(CONF)
            (self.root / "sqitch.plan").write_text(PLAN)

    @property
    def directory(self) -> Path:
        """Where its migrations lie."""
        return self.root / _DIRECTORIES[self.tool]

    def add(self, number: int, name: str, *statements: str, is_whole: bool = True) -> Path:
        """The file of one more migration; without `is_whole` the tool is told to open no transaction, or does not."""
        sql = "".join(f"{statement}\n" if statement.endswith("\\.") else f"{statement};\n" for statement in statements)
        match self.tool:
            case "dbmate":
                option = "" if is_whole else " transaction:false"
                return self._write(
                    f"2026010{number}000000_{name}.sql", f"-- migrate:up{option}\n{sql}-- migrate:down\n"
                )
            case "golang-migrate":
                return self._write(f"00000{number}_{name}.up.sql", sql)
            case "goose":
                option = "" if is_whole else "-- +goose NO TRANSACTION\n"
                return self._write(f"0000{number}_{name}.sql", f"{option}-- +goose Up\n{sql}-- +goose Down\n")
            case "flyway":
                path = self._write(f"V{number}__{name}.sql", sql)
                if not is_whole:
                    self._write(f"{path.name}.conf", "executeInTransaction=false\n")
                return path
            case "prisma":
                return self._write(f"2026010{number}000000_{name}/migration.sql", sql)
            case "diesel":
                path = self._write(f"2026-01-0{number}-000000_{name}/up.sql", sql)
                if not is_whole:
                    self._write(f"{path.parent.name}/metadata.toml", "run_in_transaction = false\n")
                return path
            case "sqitch":
                return self._change(number, name, f"BEGIN;\n{sql}COMMIT;\n" if is_whole else sql)
            case _:
                return self._write(f"00{number}_{name}.sql", sql)

    def _change(self, number: int, name: str, sql: str) -> Path:
        requires = f"[{self.last}] " if self.last else ""
        with (self.root / "sqitch.plan").open("a") as plan:
            plan.write(f"{name} {requires}2026-01-0{number}T00:00:00Z Ann Onym <ann@example.com> # {name}\n")
        self.last = name
        return self._write(f"{name}.sql", sql)

    def _write(self, name: str, text: str) -> Path:
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path


_DIRECTORIES = {
    "dbmate": "db/migrations",
    "golang-migrate": "migrations",
    "goose": "migrations",
    "flyway": "src/main/resources/db/migration",
    "prisma": "prisma/migrations",
    "diesel": "migrations",
    "sqitch": "deploy",
    "plain": "sql",
}
TOOLS = tuple(_DIRECTORIES)
OUTSIDE = tuple(tool for tool in TOOLS if tool != "plain")
"""Those that can run a migration outside a transaction."""
WITH_COPY = ("flyway", "sqitch", "plain")
"""Those whose files may hold the rows of a COPY."""
