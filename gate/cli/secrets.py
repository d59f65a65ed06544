"""Passwords are never printed, whatever message they are in."""

from __future__ import annotations

from gate.model.passwords import masked

__all__ = ["masked"]
