"""What a command was asked for, as parsed from the command line; None where nothing was said."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

Say = Callable[[str], None]


def silent(phase: str) -> None:
    """Says nothing of what is being done."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """The options that the commands share.

    `source` is the directory, `tool` the tool's name, `database` one of those that gate.toml names. `expect` is a file
    that `gate plan --format json` wrote, `journal` is `database` or `file:PATH`, `replica_url` is given as
    `database_url` is; without `calls_hooks` none is called. `schema_at_least`, `timeout_s` and `job` are of `gate
    wait`: an id or `latest`, how long, and the Job that is to bring it. `fleet` says where many databases are listed,
    and `only` to `shards` are about those: `only` are names, `canary` is a number or names. `say` is told what is
    being done, for whoever is waiting; `warn` what the person should know although it is no part of the answer.
    """

    source: str | None = None
    tool: str | None = None
    database_url: str | None = None
    database: str | None = None
    config: str | None = None
    snapshot: str | None = None
    sample_s: float | None = None
    release_role: str | None = None
    bookkeeping_table: str | None = None
    bookkeeping_schema: str | None = None
    search_path: str | None = None
    pooler: str | None = None
    is_first_run: bool = False
    budget_s: float | None = None
    grace_s: float | None = None
    expect: str | None = None
    journal: str | None = None
    journal_schema: str | None = None
    replica_url: str | None = None
    calls_hooks: bool = True
    schema_at_least: str | None = None
    timeout_s: float | None = None
    job: str | None = None
    fleet: str | None = None
    only: str | None = None
    canary: str | None = None
    wave: int | None = None
    at_once: int | None = None
    max_failures: int | None = None
    shards: int | None = None
    say: Say = silent
    warn: Say = silent

    def heard_by(self, say: Say, warn: Say) -> Request:
        """The same request with somebody who listens."""
        return replace(self, say=say, warn=warn)

    @property
    def is_about_a_fleet(self) -> bool:
        """Whether any option of a fleet was given."""
        told = (self.only, self.canary, self.wave, self.at_once, self.max_failures, self.shards)
        return self.fleet is not None or any(value is not None for value in told)
