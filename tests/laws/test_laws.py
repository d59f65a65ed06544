"""The laws of every split, on every major.

1. The end schema is that of the plain statement. 2. No step works on rows under a lock that shuts out readers, or
writers of what can be written, and none writes more than a batch at once. 3. The rows are those of the plain statement.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable

import pytest

import tests.laws
from gate.sql.script import split_script
from tests.laws.case import LawCase
from tests.laws.ends import End, end_of
from tests.laws.planning import steps_on
from tests.laws.running import run_pasted, run_watched, undo_pasted
from tests.laws.seeing import watch
from tests.servers import Database


def all_cases() -> dict[str, LawCase]:
    """Those of every file `cases_<area>.py` beside this one, by `area: name`."""
    found = [item.name for item in pkgutil.iter_modules(tests.laws.__path__) if item.name.startswith("cases_")]
    return {
        f"{module.removeprefix('cases_')}: {case}": case
        for module in sorted(found)
        for case in importlib.import_module(f"tests.laws.{module}").CASES
    }


CASES = pytest.mark.parametrize("case", all_cases().values(), ids=all_cases().keys())
Clone = Callable[[str], Database]


@CASES
def test_the_steps_end_as_the_statement_does_and_shut_out_nobody(case: LawCase, major: int, clone: Clone) -> None:
    _only_on_its_majors(case, major)
    split = clone(_setup(case))
    steps = steps_on(split, case.sql)
    assert _texts(step.sql for step in steps) != _texts([case.sql]), "it was not split"
    breaks = {watched.sql: watched.breaks for watched in run_watched(split, steps) if watched.breaks}
    assert breaks == {}
    assert _plain_end(case, clone).differences(_end(case, split)) == ""


@pytest.mark.majors(newest=True)
@CASES
def test_a_person_can_paste_the_steps(case: LawCase, major: int, clone: Clone) -> None:
    _only_on_its_majors(case, major)
    pasted = clone(_setup(case))
    run_pasted(pasted, steps_on(pasted, case.sql))
    assert _plain_end(case, clone).differences(_end(case, pasted)) == ""


@CASES
def test_what_was_begun_can_be_taken_back(case: LawCase, major: int, clone: Clone) -> None:
    """After each step the undo of all that were done, the last first: the schema is as it was, or as a final step left
    it.
    """
    _only_on_its_majors(case, major)
    database = clone(_setup(case))
    before, first = _end(case, database), 0
    steps = steps_on(database, case.sql)
    for last, step in enumerate(steps, start=1):
        done = steps[first:last]
        run_pasted(database, done)
        undo_pasted(database, done)
        after = _end(case, database)
        if step.is_final:
            before, first = after, last
        assert before.differences_of_schema(after) == "", f"{last} of {len(steps)}: {step.sql}"


@pytest.mark.majors(newest=True)
@CASES
def test_the_plain_statement_breaks_a_law(case: LawCase, major: int, clone: Clone) -> None:
    """Or there would be no reason to split it, and the laws would be watched by nobody."""
    _only_on_its_majors(case, major)
    database = clone(_setup(case))
    breaks = [watch(database, item.sql, is_transactional=not case.is_alone).breaks for item in split_script(case.sql)]
    assert any(breaks) == case.works


def _only_on_its_majors(case: LawCase, major: int) -> None:
    if major not in case:
        pytest.skip("the case is not for this major")


def _setup(case: LawCase) -> str:
    return f"{case.setup};\nANALYZE"


def _texts(scripts: Iterable[str]) -> list[str]:
    return [item.sql for script in scripts for item in split_script(script)]


def _plain_end(case: LawCase, clone: Clone) -> End:
    database = clone(_setup(case))
    for item in (*split_script(case.sql), *split_script(case.also)):
        database.execute(item.sql)
    return _end(case, database)


def _end(case: LawCase, database: Database) -> End:
    return end_of(database, unlike=case.unlike, reorders=case.reorders)
