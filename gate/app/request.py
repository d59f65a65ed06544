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
    wait`: an id or `latest`, how long, and the Job that is to bring it. `say` is told what is being done, for whoever
    is waiting; `warn` what the person should know although it is no part of the answer.
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
    say: Say = silent
    warn: Say = silent

    def heard_by(self, say: Say, warn: Say) -> Request:
        """The same request with somebody who listens."""
        return replace(self, say=say, warn=warn)
