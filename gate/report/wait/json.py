"""How `gate wait` ended as JSON; keys may be added, never renamed or removed."""

from __future__ import annotations

import json

from gate.report import Look
from gate.run.arriving import Waited, wait_document


def render(waited: Waited, look: Look) -> str:  # noqa: ARG001 - a document has no width
    """The document, indented."""
    return json.dumps(wait_document(waited), indent=2, ensure_ascii=False) + "\n"
