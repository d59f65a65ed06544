"""`gate schema plan`, `gate schema run` and their like for fleets: the JSON Schema of what the other commands print."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer


class Document(StrEnum):
    """What has a schema."""

    PLAN = "plan"
    RUN = "run"
    FLEET_PLAN = "fleet-plan"
    FLEET_RUN = "fleet-run"


def schema(
    document: Annotated[Document, typer.Argument(show_default=False, help="Which document.")],
) -> None:
    """Print the JSON Schema of a document (draft 2020-12).

    \b
      gate schema plan > plan.schema.json
      gate schema run > run.schema.json          what gate release prints, and hands to hooks
      gate schema fleet-plan                     what gate plan --fleet prints; fleet-run is of gate release
    """  # noqa: D301 - \b is a mark of click
    from gate.report import schema as published

    texts = {
        Document.PLAN: published.plan_schema,
        Document.RUN: published.run_schema,
        Document.FLEET_PLAN: published.fleet_plan_schema,
        Document.FLEET_RUN: published.fleet_run_schema,
    }
    typer.echo(texts[document](), nl=False)
