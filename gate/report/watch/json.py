"""How `gate watch` ended as JSON; keys may be added, never renamed or removed."""

from __future__ import annotations

import json

from gate.report import Look
from gate.run.holding import Watched, watch_document


def render(watched: Watched, look: Look) -> str:  # noqa: ARG001 - a document has no width
    """The document, indented."""
    return json.dumps(watch_document(watched), indent=2, ensure_ascii=False) + "\n"
