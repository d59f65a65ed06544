"""`gate schema plan`: the JSON Schema of what the other commands print."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer


class Document(StrEnum):
    """What has a schema."""

    PLAN = "plan"


def schema(
    document: Annotated[Document, typer.Argument(show_default=False, help="Which document: plan.")],  # noqa: ARG001
) -> None:
    """Print the JSON Schema of a document (draft 2020-12).

    \b
      gate schema plan > plan.schema.json
    """  # noqa: D301 - \b is a mark of click
    from gate.report.schema import plan_schema

    typer.echo(plan_schema(), nl=False)
