"""How a migration is run: plain, by gate, by Django with django-pg-zero-downtime-migrations."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psycopg

from tests.bench.peers import Peer
from tests.bench.stall.cases import Case

GATE = (sys.executable, "-P", "-m", "gate")
_REFUSED = 10


@dataclass(frozen=True, kw_only=True)
class End:
    """How it ended: `done`, `refused` or `failed`, and what it said then."""

    how: str
    said: str = ""


Way = Callable[[Case, str, Path], End]
"""Runs the migration on the database of this conninfo; the directory is its own, and empty."""


def plain(case: Case, conninfo: str, folder: Path) -> End:
    """As the tool runs a file: all of it in one transaction, with its bookkeeping."""
    with psycopg.connect(conninfo) as connection:
        try:
            connection.execute(case.sql.encode())
            connection.execute("INSERT INTO schema_migrations VALUES ('20260101000000')")
            connection.commit()
        except psycopg.Error as error:
            return End(how="failed", said=str(error))
    return End(how="done")


def by_gate(case: Case, conninfo: str, folder: Path) -> End:
    """`gate release`, of a file of dbmate's."""
    directory = folder / "db" / "migrations"
    directory.mkdir(parents=True)
    (directory / "20260101000000_case.sql").write_text(f"-- migrate:up\n{case.sql}\n\n-- migrate:down\n")
    return _ran([*GATE, "release", ".", "--budget", "8h"], folder, {"GATE_DATABASE_URL": conninfo})


def by_django(peer: Peer) -> Way:
    """`manage.py migrate` with the settings that its own manual calls the most safe."""

    def way(case: Case, conninfo: str, folder: Path) -> End:
        _write_project(folder, case)
        told = psycopg.conninfo.conninfo_to_dict(conninfo)
        environment = {f"BENCH_{name.upper()}": str(value) for name, value in told.items()}
        return _ran([*peer.command, "manage.py", "migrate", "shop", "0002", "--verbosity", "0"], folder, environment)

    return way


def without(seconds: float) -> Way:
    """Nothing at all, for so long."""

    def way(case: Case, conninfo: str, folder: Path) -> End:
        time.sleep(seconds)
        return End(how="done")

    return way


def _ran(command: list[str], folder: Path, environment: dict[str, str]) -> End:
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode == 0:
        return End(how="done", said=done.stdout)
    is_refused = done.returncode == _REFUSED or "UnsafeOperationException" in done.stdout
    return End(how="refused" if is_refused else "failed", said=done.stdout)


def _write_project(folder: Path, case: Case) -> None:
    app = folder / "shop" / "migrations"
    app.mkdir(parents=True)
    for path in (folder / "shop" / "__init__.py", app / "__init__.py"):
        path.write_text("")
    (folder / "manage.py").write_text(_MANAGE)
    (folder / "settings.py").write_text(_SETTINGS)
    (app / "0001_initial.py").write_text(_INITIAL)
    (app / "0002_case.py").write_text(_CASE.format(operations=case.operations))


_MANAGE = """
import os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
from django.core.management import execute_from_command_line
execute_from_command_line(sys.argv)
"""

_SETTINGS = """
import os
SECRET_KEY = "bench"
INSTALLED_APPS = ["shop"]
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {"default": {
    "ENGINE": "django_zero_downtime_migrations.backends.postgres",
    "NAME": os.environ["BENCH_DBNAME"],
    "USER": os.environ["BENCH_USER"],
    "HOST": os.environ["BENCH_HOST"],
    "PORT": os.environ["BENCH_PORT"],
}}
ZERO_DOWNTIME_MIGRATIONS_LOCK_TIMEOUT = "2s"
ZERO_DOWNTIME_MIGRATIONS_STATEMENT_TIMEOUT = "2s"
ZERO_DOWNTIME_MIGRATIONS_FLEXIBLE_STATEMENT_TIMEOUT = True
ZERO_DOWNTIME_MIGRATIONS_RAISE_FOR_UNSAFE = True
"""

_INITIAL = """
from django.db import migrations, models

class Migration(migrations.Migration):
    initial = True
    operations = [
        migrations.CreateModel("Account", fields=[
            ("id", models.AutoField(primary_key=True)),
            ("email", models.TextField()),
            ("credit", models.IntegerField(default=0)),
        ], options={"db_table": "accounts"}),
        migrations.CreateModel("Order", fields=[
            ("id", models.BigAutoField(primary_key=True)),
            ("account", models.IntegerField(db_column="account_id")),
            ("invoice", models.BigIntegerField()),
            ("status", models.IntegerField(default=0)),
            ("amount", models.IntegerField(null=True)),
            ("note", models.TextField(default="")),
            ("legacy", models.TextField(null=True)),
            ("placed_at", models.DateTimeField()),
        ], options={"db_table": "orders", "indexes": [models.Index(fields=["placed_at"], name="orders_placed_at")]}),
    ]
"""

_CASE = """
from django.contrib.postgres.functions import RandomUUID
from django.db import migrations, models

class Migration(migrations.Migration):
    dependencies = [("shop", "0001_initial")]
    operations = [{operations}]
"""
