"""gate: hold pending migrations against the live PostgreSQL database before they run.

The public API is what `__all__` names; it is loaded on first use, so that `gate --version` stays instant.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gate.app.plan_sql import plan_sql
    from gate.model.errors import GateError, InvalidSql, MissingPrivilege, Unreachable
    from gate.model.plan import Plan

__all__ = ["GateError", "InvalidSql", "MissingPrivilege", "Plan", "Unreachable", "plan_sql"]

_HOMES = {
    "plan_sql": "gate.app.plan_sql",
    "Plan": "gate.model.plan",
    "GateError": "gate.model.errors",
    "InvalidSql": "gate.model.errors",
    "MissingPrivilege": "gate.model.errors",
    "Unreachable": "gate.model.errors",
}


def __getattr__(name: str) -> Any:
    """PEP 562: a public name is imported when it is first asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module 'gate' has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(_HOMES[name]), name)
