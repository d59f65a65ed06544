"""Label selectors, from the objects that have them to the text that a list is asked with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gate.model.errors import UsageError


def selector_text(selector: Mapping[str, Any]) -> str:
    """`app=web,tier in (a,b),!old`, sorted by key, as kubectl writes it.

    Raises UsageError for one that would match everything, or has an operator that is not known.
    """
    terms = [(key, f"{key}={value}") for key, value in (selector.get("matchLabels") or {}).items()]
    terms += [(item["key"], _term(item)) for item in selector.get("matchExpressions") or ()]
    if not terms:
        raise UsageError("a label selector is empty: it would match every object of the namespace")
    return ",".join(term for _, term in sorted(terms, key=lambda term: term[0]))


def _term(item: Mapping[str, Any]) -> str:
    key, values = item["key"], ",".join(sorted(item.get("values") or ()))
    match item["operator"]:
        case "In":
            return f"{key} in ({values})"
        case "NotIn":
            return f"{key} notin ({values})"
        case "Exists":
            return str(key)
        case "DoesNotExist":
            return f"!{key}"
        case operator:
            raise UsageError(f"a label selector has the operator {operator!r}, which gate does not know")
