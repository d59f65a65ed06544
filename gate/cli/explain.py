"""`gate explain`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import typer


def _names(incomplete: str) -> Iterator[tuple[str, str]]:
    """For the shell's completion."""
    from gate.plan.known import all_rules

    for rule in all_rules():
        if rule.name.startswith(incomplete):
            yield rule.name, rule.about


def explain(
    rule: Annotated[
        str,
        typer.Argument(
            show_default=False,
            autocompletion=_names,
            help="The rule's name, as a finding prints it; all for a list.",
        ),
    ],
) -> None:
    """One rule: the harm, the way out, an example, and what PostgreSQL does, with its source.

    \b
      gate explain works-under-blocking-lock
      gate explain all
    """  # noqa: D301 - \b is a mark of click
    from gate.app.explain import explained
    from gate.cli.output import look

    typer.echo(explained(rule, look(None)), nl=False)
