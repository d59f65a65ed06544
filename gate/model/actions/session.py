"""Transaction control and settings."""

from __future__ import annotations

from dataclasses import dataclass

from gate.model.actions.action import Action


@dataclass(frozen=True, kw_only=True)
class TransactionControl(Action):
    """BEGIN, COMMIT, ROLLBACK, SAVEPOINT, ...; `what` is the word in lower case."""

    what: str
    chains: bool = False


@dataclass(frozen=True, kw_only=True)
class SetSetting(Action):
    """SET, RESET, SET LOCAL; `value` is the text, None for RESET or DEFAULT."""

    name: str
    value: str | None = None
    values: tuple[str, ...] = ()
    is_local: bool = False
