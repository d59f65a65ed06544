"""What is released while accidents happen: a schema with rows, and the migrations of one project."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

from gate.model.rates import Figures
from tests.laws.case import LawCase
from tests.sources.projects import Project


@dataclass(frozen=True, kw_only=True)
class Script:
    """One migration's SQL; `is_whole` False where its tool is told to open no transaction."""

    sql: str
    is_whole: bool = True


@dataclass(frozen=True, kw_only=True)
class CrashCase:
    """Every project has a migration before these, which was applied long ago; `tool` is who keeps the books.

    `unlike`, `reorders`, `also`, `since` and `until` are as in LawCase. `changed` is what the first migration says once
    somebody has edited its file; it must lead from the same schema to an end of its own. `numbers` is True where rows
    get their values from a sequence, which a crash leaves gaps in.
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


def write(case: CrashCase, root: Path) -> Path:
    """The project as the tool wants it, below `root`; the file of its first migration, of which there may be none."""
    (root / "gate.toml").write_text(_SETTINGS)
    project = Project(case.tool, root)
    paths = [project.add(1, "before", "CREATE TABLE before (id int)")]
    for number, script in enumerate(case.scripts, start=2):
        paths.append(project.add(number, f"step{number}", script.sql, is_whole=script.is_whole))
    return paths[:2][-1]
