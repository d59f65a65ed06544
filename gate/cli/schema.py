"""`gate schema plan` and `gate schema run`: the JSON Schema of what the other commands print."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer


class Document(StrEnum):
    """What has a schema."""

    PLAN = "plan"
    RUN = "run"


def schema(
    document: Annotated[Document, typer.Argument(show_default=False, help="Which document: plan or run.")],
) -> None:
    """Print the JSON Schema of a document (draft 2020-12).

    \b
      gate schema plan > plan.schema.json
      gate schema run > run.schema.json          what gate release prints, and hands to hooks
    """  # noqa: D301 - \b is a mark of click
    from gate.report.schema import plan_schema, run_schema

    typer.echo(plan_schema() if document is Document.PLAN else run_schema(), nl=False)
