"""A run as a message in Slack: the verdict first, what happened, whom it hurt, the way out, who was in the way.

Pure: a document in, blocks out. Slack takes 50 blocks, 3000 characters in a text and 150 in a header, and reads `<`,
`>` and `&` as its own; what does not fit is cut before it is escaped, so that no entity is torn.

Source: https://docs.slack.dev/reference/block-kit/blocks, .../messaging/formatting-message-text
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from gate.model.units import lasting, plural

MOST_TEXT, MOST_HEADER, MOST_BLOCKS = 3000, 150, 50
_SHOWN = 5
_MOST_LINE = 600
_MOST_CODE = 300
# SQL to be pasted is in the report; here it would push the next finding out of sight.
_MOST_WAY_OUT, _MORE = 400, "... (gate plan has all of it)"

Document = Mapping[str, Any]

_SIGNS = {"on_begin": ":hourglass_flowing_sand:", "on_success": ":white_check_mark:", "on_refused": ":no_entry:"}
_TROUBLE = ":rotating_light:"
_GOOD = ("done", "nothing pending")


def message(event: str, document: Document) -> dict[str, Any]:
    """What an incoming webhook takes: `text` for notifications, and the blocks."""
    title = _title(event, document)
    sign = _SIGNS.get(event, _TROUBLE)
    parts = [_header(f"{sign} {title}"), *_sections(document), _foot(event, document)]
    problem = _line(document.get("problem"))
    summary = f"{title}: {problem}" if problem else title
    return {"text": escaped(_cut(summary, _MOST_LINE)), "blocks": parts[:MOST_BLOCKS]}


def escaped(text: str) -> str:
    """As Slack wants text that is not its own: no mention, no link, no channel can be made by it."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _title(event: str, document: Document) -> str:
    """`shop: release refused`, `shop: watch of v42 failed`."""
    who = _line(document.get("database")) or "gate"
    command = _line(document.get("command")) or "release"
    if named := _line(document.get("release")):
        command = f"{command} of {named}"
    outcome = "begins" if event == "on_begin" else _line(document.get("outcome")) or event
    return f"{who}: {command} {outcome}"


def _sections(document: Document) -> Iterator[dict[str, Any]]:
    for lines in (
        _what(document),
        _refused(document),
        _failed(document),
        _harm(document),
        _way_out(document),
        _in_the_way(document),
        _leftovers(document),
        _done(document),
    ):
        text = _joined(lines)
        if text:
            yield {"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": True}}


# --- what is said -----------------------------------------------------------------------------------------------------


def _what(document: Document) -> Iterator[str]:
    if problem := _line(document.get("problem")):
        yield escaped(_cut(problem, _MOST_LINE))


def _refused(document: Document) -> Iterator[str]:
    """What the plan objects to, each with its own harm and way out."""
    if document.get("outcome") != "refused":
        return
    found = list(_objections(document.get("plan") or {}))
    for place, finding in found[:_SHOWN]:
        yield f"*{escaped(_cut(place or 'the state', _MOST_LINE))}* {_code(finding.get('rule'))}"
        yield escaped(_cut(_line(finding.get("problem")), _MOST_LINE))
        if remedy := _line(finding.get("remedy")):
            yield f"_way out:_ {escaped(_cut(remedy, _MOST_WAY_OUT, _MORE))}"
    if len(found) > _SHOWN:
        yield f"and {len(found) - _SHOWN:,} more"


def _objections(plan: Document) -> Iterator[tuple[str, Document]]:
    for finding in _refusing(plan):
        yield "", finding
    for migration in plan.get("migrations") or ():
        name = _line(migration.get("path") or migration.get("id"))
        for finding in _refusing(migration):
            yield name, finding
        for statement in migration.get("statements") or ():
            for finding in _refusing(statement):
                yield f"{name}:{statement.get('line')}", finding


def _refusing(told: Document) -> Iterator[Document]:
    return (finding for finding in told.get("findings") or () if finding.get("severity") == "refuse")


def _failed(document: Document) -> Iterator[str]:
    for unit in document.get("units") or ():
        if unit.get("state") == "failed":
            place = f"{_line(unit.get('path') or unit.get('migration'))}:{unit.get('line') or 1}"
            yield f"*{escaped(_cut(place, _MOST_LINE))}* {_code(unit.get('sql'))}"
            sqlstate = f" (SQLSTATE {_line(unit['sqlstate'])})" if unit.get("sqlstate") else ""
            yield escaped(_cut(_line(unit.get("error")), _MOST_LINE) + sqlstate)
            if hint := _line(unit.get("hint")):
                yield f"hint: {escaped(_cut(hint, _MOST_LINE))}"


def _harm(document: Document) -> Iterator[str]:
    """Who waited, and for how long; what is expected of a plan that waits for its turn."""
    if (blocked_s := document.get("longest_blocked_s")) is not None:
        yield f"others waited {lasting(blocked_s)} at most" if blocked_s else "nobody was seen waiting"
    waiting = document.get("still_waiting") or ()
    if waiting:
        yield f"*{plural(len(waiting), 'session')} that waited behind gate still cannot get on*"
    if document.get("outcome") != "refused":
        return
    for hold in _holds(document.get("plan") or {})[:_SHOWN]:
        yield escaped(_cut(hold, _MOST_LINE))


def _holds(plan: Document) -> list[str]:
    """What the plan would shut out, of which relation, for how long at most."""
    found: dict[str, None] = {}
    for migration in plan.get("migrations") or ():
        for transaction in migration.get("transactions") or ():
            for hold in transaction.get("holds") or ():
                if hold.get("shuts_out"):
                    high_s = (hold.get("seconds") or {}).get("high")
                    how_long = "for a time that is not known" if high_s is None else f"for up to {lasting(high_s)}"
                    who = " and ".join(hold["shuts_out"])
                    found[f"{hold.get('relation')}: {who} would wait {how_long} ({hold.get('lock')})"] = None
    return list(found)


def _way_out(document: Document) -> Iterator[str]:
    # Of a plan that is refused each finding has named its own.
    is_named = document.get("outcome") == "refused" and any(_objections(document.get("plan") or {}))
    if not is_named and (remedy := str(document.get("remedy") or "").strip()):
        yield f"*Way out:* {escaped(_cut(remedy, _MOST_LINE))}"


def _in_the_way(document: Document) -> Iterator[str]:
    found = document.get("in_the_way") or ()
    if found:
        yield "*In the way*"
    for other in found[:_SHOWN]:
        yield f"• {escaped(_cut(_other(other), _MOST_LINE))}"
        if way_out := _line(other.get("way_out")):
            yield f"   {_code(way_out)}"
    if len(found) > _SHOWN:
        yield f"and {len(found) - _SHOWN:,} more"


def _other(other: Document) -> str:
    who = f"prepared transaction {_line(other.get('gid'))}" if other.get("gid") else f"pid {other.get('pid')}"
    what = [_line(other.get(name)) for name in ("user", "application", "state")]
    age_s = other.get("age_s")
    known = ", ".join([part for part in what if part] + ([lasting(age_s)] if age_s is not None else []))
    holds = f" holds {_line(other.get('held'))}" if other.get("held") else ""
    return f"{_line(other.get('relation'))}: {who}" + (f" ({known})" if known else "") + holds


def _leftovers(document: Document) -> Iterator[str]:
    found = document.get("leftovers") or ()
    if found:
        yield "*Left in the database*"
    for left in found[:_SHOWN]:
        yield f"• {escaped(_cut(_line(left.get('what')), _MOST_LINE))}" + (
            " — needs a person" if left.get("needs_person") else ""
        )
        if sql := _line(left.get("sql")):
            yield f"   {_code(sql)}"


def _done(document: Document) -> Iterator[str]:
    done, left = document.get("migrations") or (), document.get("left") or ()
    if done:
        yield escaped(_cut(f"done: {_named(done)}", _MOST_LINE))
    if left and document.get("outcome") not in _GOOD:
        yield escaped(_cut(f"not done: {_named(left)}", _MOST_LINE))


def _named(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else ""
    return ", ".join(map(_line, names[:_SHOWN])) + more


# --- blocks -----------------------------------------------------------------------------------------------------------


def _header(text: str) -> dict[str, Any]:
    return {"type": "header", "text": {"type": "plain_text", "text": _cut(text, MOST_HEADER), "emoji": True}}


def _foot(event: str, document: Document) -> dict[str, Any]:
    told = [f"run {_line(document.get('run'))}" if document.get("run") else "", event]
    if event != "on_begin" and document.get("exit_code") is not None:
        told.append(f"exit code {document['exit_code']}")
    if document.get("seconds") is not None and event != "on_begin":
        told.append(f"took {lasting(document['seconds'])}")
    told.append(f"gate {_line(document.get('gate'))}" if document.get("gate") else "")
    text = escaped(_cut(", ".join(filter(None, told)), _MOST_LINE))
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": text, "verbatim": True}]}


def _joined(lines: Iterable[str]) -> str:
    """Whole lines, as many as one text takes."""
    more, text = "\n...", ""
    for line in lines:
        if len(text) + 1 + len(line) + len(more) > MOST_TEXT:
            return text + more
        text = f"{text}\n{line}" if text else line
    return text


def _line(value: object) -> str:
    """On one line, without what steers a screen."""
    text = "" if value is None else str(value)
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


def _cut(text: str, most: int, end: str = "...") -> str:
    return text if len(text) <= most else text[: most - len(end)] + end


def _code(value: object) -> str:
    text = _cut(_line(value), _MOST_CODE).replace("`", "'")
    return f"`{escaped(text)}`" if text else ""
