"""sqitch's plan as text, and the ids that its lines have.

The id of a change is the SHA-1 of a text that names its project, its parent's id, its planner and its dependencies, so
that moving a line changes all ids behind it. Source: Plan.pm, Plan/{Change,Tag,Depend,Line}.pm of sqitchers/sqitch 1.x.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from gate.model.errors import UsageError
from gate.sources.files import text_of

_LINE = re.compile(
    r"""[ \t]*(?:(?P<tag>@)|(?P<operator>[+-])?[ \t]*)(?P<name>[^\s@:#\\\[\]]+)[ \t]*
    (?:\[(?P<dependencies>[^\]]+)\][ \t]*)?
    (?P<at>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)[ \t]*
    (?P<planner>[^<]+)[ \t]+<(?P<email>[^>]+)>[ \t]*\Z""",
    re.VERBOSE,
)
_PRAGMA = re.compile(r"[ \t]*%[ \t]*([^\s=]+)[ \t]*(?:=[ \t]*(.+?))?[ \t]*\Z")
_DEPENDENCY = re.compile(
    r"(?P<conflict>!?)(?:(?P<project>[^\s:@!]+):)?(?:(?P<id>[0-9a-f]{40})|(?P<change>[^\s@]+)?(?:@(?P<tag>[^\s@]+))?)\Z"
)
_CONF_LINE = re.compile(r"\s*(?:\[(?P<section>[^\]]+)\]|(?P<key>[\w.-]+)\s*=\s*(?P<value>.*?))\s*(?:[#;].*)?\Z")
_ESCAPES = {"\\n": "\n", "\\r": "\r", "\\\\": "\\"}


@dataclass(frozen=True, kw_only=True)
class Dependency:
    """A change that another one requires, or conflicts with; `text` is how sqitch writes it down."""

    text: str
    is_conflict: bool
    project: str | None = None
    change: str | None = None
    tag: str | None = None
    id: str | None = None


@dataclass(frozen=True, kw_only=True)
class Tag:
    """A tag, written behind its change; `planned` is when, who, and that person's address."""

    id: str
    name: str
    note: str
    planned: tuple[str, str, str]


@dataclass(frozen=True, kw_only=True)
class Change:
    """One line of the plan. `rework_tags` are the tags up to the line that reworks it, newest first."""

    id: str
    name: str
    note: str
    planned: tuple[str, str, str]
    dependencies: tuple[Dependency, ...] = ()
    tags: tuple[Tag, ...] = ()
    rework_tags: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The whole plan."""

    project: str
    uri: str | None
    changes: tuple[Change, ...]

    def resolved(self, change: Change, dependency: Dependency) -> str | None:
        """The id of the change of this plan that is required; of several, the last before the one that requires it."""
        if dependency.id:
            return dependency.id
        earlier = self.changes[: self.changes.index(change)]
        if dependency.tag:
            tagged = [at for at, one in enumerate(earlier) if any(tag.name == dependency.tag for tag in one.tags)]
            earlier = earlier[: tagged[0] + 1] if tagged else ()
        named = [one.id for one in earlier if dependency.change in (None, one.name)]
        return named[-1] if named else None


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Where `sqitch.conf` says that things are."""

    plan: Path
    deploy: Path
    reworked: Path
    revert: Path
    reworked_revert: Path
    extension: str
    registry: str

    def deploy_script(self, change: Change) -> Path:
        """A reworked change's script carries the tag up to which it is valid."""
        return self._script(change, self.deploy, self.reworked)

    def revert_script(self, change: Change) -> Path:
        """Where it would be: sqitch asks for one only when it reverts."""
        return self._script(change, self.revert, self.reworked_revert)

    def _script(self, change: Change, directory: Path, reworked: Path) -> Path:
        if not change.rework_tags:
            return directory / f"{change.name}.{self.extension}"
        named = [reworked / f"{change.name}@{tag}.{self.extension}" for tag in change.rework_tags]
        return next((path for path in named if path.exists()), named[0])


def script_hash(content: bytes) -> str:
    """SHA-1 of the deploy script as it is."""
    return hashlib.sha1(content, usedforsecurity=False).hexdigest()


def read_layout(directory: Path) -> Layout:
    """From the `sqitch.conf` beside the plan, or in the directory above it, whose paths start there."""
    root = next((place for place in (directory, directory.parent) if (place / "sqitch.conf").is_file()), directory)
    conf = _read_conf(text_of(root / "sqitch.conf")) if (root / "sqitch.conf").is_file() else {}
    top = root / conf["core.top_dir"] if "core.top_dir" in conf else directory
    reworked = root / conf["core.reworked_dir"] if "core.reworked_dir" in conf else top

    def place(key: str, otherwise: Path) -> Path:
        return root / conf[f"core.{key}"] if f"core.{key}" in conf else otherwise

    return Layout(
        plan=place("plan_file", top / "sqitch.plan"),
        deploy=place("deploy_dir", top / "deploy"),
        reworked=place("reworked_deploy_dir", reworked / "deploy"),
        revert=place("revert_dir", top / "revert"),
        reworked_revert=place("reworked_revert_dir", reworked / "revert"),
        extension=conf.get("core.extension", "sql"),
        registry=conf.get("engine.pg.registry", "sqitch"),
    )


def _read_conf(text: str) -> Mapping[str, str]:
    """Keys like `core.top_dir` and `engine.pg.registry`."""
    values, section = {}, ""
    for line in text.splitlines():
        if match := _CONF_LINE.match(line):
            if match.group("section"):
                section = ".".join(part.strip('"') for part in match.group("section").split())
            elif match.group("key"):
                values[f"{section}.{match.group('key')}"] = match.group("value").strip('"')
    return values


def read_plan(text: str, path: str) -> Plan:
    """The plan, with its ids; UsageError with the line for what is not one."""
    pragmas: dict[str, str] = {}
    changes: list[Change] = []
    for number, line in enumerate(text.splitlines(), start=1):
        content, _, comment = line.partition("#")
        if not content.strip():
            continue
        if content.lstrip().startswith("%"):
            pragma = _PRAGMA.match(content)
            pragmas |= {pragma.group(1): pragma.group(2) or "1"} if pragma else {}
            continue
        match = _LINE.match(content.rstrip())
        if match is None or "project" not in pragmas or (match.group("tag") and not changes):
            raise UsageError(
                f"{path}, line {number}: not a line of a sqitch plan: {line.strip()}", remedy="repair the plan"
            )
        if match.group("operator") == "-":
            raise UsageError(f"{path}, line {number}: a plan that reverts is not supported", remedy="let sqitch run it")
        _take(match, _note(comment), pragmas, changes)
    return Plan(project=pragmas.get("project", ""), uri=pragmas.get("uri"), changes=tuple(changes))


def _take(match: re.Match[str], note: str, pragmas: Mapping[str, str], changes: list[Change]) -> None:
    """Adds the line to the changes: a tag to the last of them, a change behind them."""
    planned = (match.group("at"), match.group("planner").rstrip(), match.group("email"))
    if match.group("tag"):
        last = changes[-1]
        digest = _id("tag", _text(pragmas, [f"tag @{match.group('name')}", f"change {last.id}"], planned, [], note))
        tag = Tag(id=digest, name=match.group("name"), note=note, planned=planned)
        changes[-1] = replace(last, tags=(*last.tags, tag))
        return
    name = match.group("name")
    dependencies = tuple(_dependency(one, pragmas["project"]) for one in (match.group("dependencies") or "").split())
    lines = [f"change {name}", *([f"parent {changes[-1].id}"] if changes else [])]
    digest = _id("change", _text(pragmas, lines, planned, _dependency_lines(dependencies), note))
    _rework(name, changes)
    changes.append(Change(id=digest, name=name, note=note, planned=planned, dependencies=dependencies))


def _text(
    pragmas: Mapping[str, str], lines: list[str], planned: tuple[str, str, str], dependencies: list[str], note: str
) -> str:
    """What an id is made of."""
    at, planner, email = planned
    uri = [f"uri {pragmas['uri']}"] if "uri" in pragmas else []
    parts = [f"project {pragmas['project']}", *uri, *lines, f"planner {planner} <{email}>", f"date {at}", *dependencies]
    return "\n".join([*parts, *(["", note] if note else [])])


def _id(kind: str, text: str) -> str:
    """As git names its objects: the SHA-1 of kind, length and text."""
    content = text.encode()
    return hashlib.sha1(b"%s %d\0%s" % (kind.encode(), len(content), content), usedforsecurity=False).hexdigest()


def _dependency_lines(dependencies: tuple[Dependency, ...]) -> list[str]:
    requires = [f"  + {one.text}" for one in dependencies if not one.is_conflict]
    conflicts = [f"  - {one.text}" for one in dependencies if one.is_conflict]
    return [*(["requires", *requires] if requires else []), *(["conflicts", *conflicts] if conflicts else [])]


def _dependency(text: str, own_project: str) -> Dependency:
    match = _DEPENDENCY.match(text)
    if match is None:
        raise UsageError(f"not a dependency of a sqitch plan: {text}", remedy="repair the plan")
    project, change, tag = match.group("project"), match.group("change"), match.group("tag")
    key = match.group("id") or f"{change or ''}{f'@{tag}' if tag else ''}"
    return Dependency(
        text=key if project in (None, own_project) else f"{project}:{key}",
        is_conflict=bool(match.group("conflict")),
        project=project,
        change=change,
        tag=tag,
        id=match.group("id"),
    )


def _rework(name: str, changes: list[Change]) -> None:
    """A name that comes again reworks the last change of that name, whose script then carries a tag."""
    at = next((at for at in reversed(range(len(changes))) if changes[at].name == name), None)
    if at is None:
        return
    later = [tag.name for change in reversed(changes[at + 1 :]) for tag in change.tags]
    own = [tag.name for tag in changes[at].tags]
    changes[at] = replace(changes[at], rework_tags=(*later, *own))


def _note(comment: str) -> str:
    return re.sub(r"\\[\\nr]", lambda match: _ESCAPES[match.group()], comment.strip())
