"""Views, rules, triggers, policies, functions."""

from __future__ import annotations

from dataclasses import dataclass

from gate.model.actions.action import Action
from gate.model.actions.queries import Query
from gate.model.expressions import Expression, TypeName
from gate.model.names import Name


@dataclass(frozen=True, kw_only=True)
class CreateView(Action):
    """CREATE [OR REPLACE] VIEW."""

    name: Name
    query: Query
    replaces: bool = False
    persistence: str = "p"
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class CreateRule(Action):
    """CREATE RULE; `queries` are its actions and condition."""

    name: str
    table: Name
    event: str
    queries: tuple[Query, ...] = ()
    is_instead: bool = False
    replaces: bool = False


@dataclass(frozen=True, kw_only=True)
class CreateTrigger(Action):
    """CREATE TRIGGER; `referenced` is a constraint trigger's FROM."""

    name: str
    table: Name
    function: Name
    events: frozenset[str] = frozenset()
    timing: str = "after"
    is_row: bool = False
    is_constraint: bool = False
    replaces: bool = False
    referenced: Name | None = None
    when: Expression | None = None


@dataclass(frozen=True, kw_only=True)
class PolicyAction(Action):
    """CREATE or ALTER POLICY; `queries` are the relations its expressions read."""

    name: str
    table: Name
    creates: bool
    is_permissive: bool = True
    expressions: tuple[Expression, ...] = ()


@dataclass(frozen=True, kw_only=True)
class CreateStatistics(Action):
    """CREATE STATISTICS; `used` are the columns in expressions too, `text` is all of it."""

    name: Name | None
    table: Name
    columns: tuple[str, ...] = ()
    used: tuple[str, ...] = ()
    text: str = ""
    if_not_exists: bool = False


@dataclass(frozen=True, kw_only=True)
class CreateFunction(Action):
    """CREATE FUNCTION or PROCEDURE; `body` are the queries of a BEGIN ATOMIC body, `checked` those of a text in SQL."""

    name: Name
    arguments: tuple[TypeName, ...] = ()
    returns: TypeName | None = None
    language: str = "sql"
    source: str | None = None
    volatility: str = "v"
    is_procedure: bool = False
    replaces: bool = False
    body: tuple[Query, ...] = ()
    checked: tuple[Query, ...] = ()
    argument_defaults: int = 0
    sets: tuple[str, ...] = ()
    is_security_definer: bool = False
    types: tuple[TypeName, ...] = ()
