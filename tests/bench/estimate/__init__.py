"""`bin/bench estimate`: what gate says that work takes, beside what it took."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import psycopg
from psycopg import sql

from gate.app.calibrate import calibrate
from gate.app.request import Request
from gate.embedded import available, serve
from gate.model.rates import DEFAULT_RATES, Rates, rates_from
from tests.bench.estimate.shapes import SHAPES, Shape
from tests.bench.estimate.timing import Timed, timed

_TELLING_S = 0.5


def main(arguments: Sequence[str] = ()) -> int:
    """Prints every figure; 1 if fewer than nine of ten operations are within a factor of two."""
    told = _parser().parse_args(arguments)
    done: list[Timed] = []
    with _server(told) as conninfo:
        for megabytes in told.sizes:
            for shape in SHAPES:
                if not told.shapes or shape.name in told.shapes:
                    done += _measured(conninfo, shape, megabytes, told)
    return _summary(done)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bench estimate", description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[200], metavar="MB", help="of each table, up to 2000")
    parser.add_argument("--shapes", nargs="+", choices=[shape.name for shape in SHAPES], help="only these")
    parser.add_argument("--major", type=int, help="of the server that is started; the newest at hand unless told")
    parser.add_argument(
        "--url",
        default=os.environ.get("GATE_BENCH_URL"),
        help="a server of yours instead (GATE_BENCH_URL): databases named gate_bench_... are made there, and dropped",
    )
    parser.add_argument("--memory", metavar="SIZE", help="maintenance_work_mem, as 512MB")
    parser.add_argument("--stated", action="store_true", help="with gate's stated figures, without calibrating")
    return parser


@contextmanager
def _server(told: argparse.Namespace) -> Iterator[str]:
    if told.url:
        yield told.url
        return
    with serve(available()[told.major] if told.major else None) as server:
        print(f"PostgreSQL {server.binaries.version} on a unix socket, without fsync")
        yield server.conninfo()


def _measured(conninfo: str, shape: Shape, megabytes: int, told: argparse.Namespace) -> Iterator[Timed]:
    """One table, and all that is done to it; calibrated right before, because a machine is not always as fast."""
    with _database(conninfo) as own:
        with psycopg.connect(own, autocommit=True) as connection:
            if told.memory:
                _remember(connection, "maintenance_work_mem", told.memory)
            connection.execute(shape.sql(megabytes).encode())
            connection.execute("VACUUM ANALYZE")
        rates = DEFAULT_RATES if told.stated else _calibrated(own)
        print(
            f"\n{shape.name}, {megabytes} MB\n  {'':<40} {'low':>8} {'likely':>8} {'high':>8} {'took':>8} {'ratio':>7}"
        )
        for operation in shape.operations:
            with psycopg.connect(own, autocommit=True) as connection:
                found = timed(connection, operation, rates)
            print(found.line(), flush=True)
            yield found


def _calibrated(conninfo: str) -> Rates:
    return rates_from(calibrate(Request(database_url=conninfo), megabytes=128, limit_s=120).figures)


def _remember(connection: psycopg.Connection, name: str, value: str) -> None:
    """For every session of this database from now on."""
    setting = sql.SQL("ALTER DATABASE {} SET {} = {}")
    connection.execute(setting.format(sql.Identifier(connection.info.dbname), sql.Identifier(name), sql.Literal(value)))
    connection.execute(sql.SQL("SET {} = {}").format(sql.Identifier(name), sql.Literal(value)))


@contextmanager
def _database(conninfo: str) -> Iterator[str]:
    name = f"gate_bench_{os.getpid()}"
    with psycopg.connect(conninfo, autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            yield psycopg.conninfo.make_conninfo(conninfo, dbname=name)
        finally:
            admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def _summary(done: Sequence[Timed]) -> int:
    telling = [item for item in done if item.took_s >= _TELLING_S]
    good = [item for item in telling if item.is_within(2.0)]
    ranged = [item for item in telling if item.estimate and item.estimate.low <= item.took_s <= item.estimate.high]
    goal = "" if len(telling) == 0 else ("met" if len(good) >= 0.9 * len(telling) else "MISSED")
    print(
        f"\nwithin a factor of 2: {len(good)} of {len(telling)} operations of at least half a second "
        f"(goal: 9 of 10, {goal}); between low and high: {len(ranged)}"
    )
    return 1 if goal == "MISSED" else 0
