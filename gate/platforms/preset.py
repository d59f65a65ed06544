"""What gate knows of one platform: what marks it, what time it gives, and the files that make gate at home there.

A platform is one file of `gate.platforms.presets` with a `PRESET`; nothing else names it. So is a way to install that
is no platform of its own: Helm, a CI.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum

DEFAULT_BUDGET_S = 600.0
DEFAULT_GRACE_S = 20.0
LONG_BUDGET = "8h"
# What a shell takes as one word; anything else in a variable is left out of a command that is to be pasted.
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/:@-]*", re.ASCII)


class Place(Enum):
    """Where in a deploy gate runs. Only `BEFORE` is sure that a failure keeps the new release from becoming current."""

    BEFORE = "before the new release is current"
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True)
class Platform:
    """The platform that a process runs on, as its environment tells; `key` is empty where it is none that gate knows.

    `name` is for people, `place_name` what the platform calls the place: release phase, pre-deploy Job, one-off dyno.
    `budget_s` and `grace_s` hold where nothing else is told. `apart` is the command line before `gate release` where
    that is run beside a deploy, `around` what else to know. `app` is what the platform calls the app, None where it
    does not say. `restart` is the command that starts the app's processes anew, and so ends their sessions.
    """

    key: str = ""
    name: str = "unknown"
    place: Place = Place.UNKNOWN
    place_name: str = ""
    budget_s: float = DEFAULT_BUDGET_S
    grace_s: float = DEFAULT_GRACE_S
    apart: str = ""
    around: str = ""
    alone: str = ""
    app: str | None = None
    restart: str = ""

    def detached(self, budget: str = LONG_BUDGET) -> str:
        """How to run a release that takes longer than a deploy may, in words that can be pasted."""
        if self.alone:
            return self.alone.replace("BUDGET", budget)
        return f"{self.apart}gate release --budget {budget}{self.around}"


UNKNOWN = Platform()


@dataclass(frozen=True, kw_only=True)
class Limits:
    """A row of the table in docs/platforms.md, in plain words; `source` is where the platform says so.

    `hook` is the place where gate is called, `failure` what becomes of a deploy whose command fails, `ends_after` its
    time limit, `signals` what it gets and how long before it is killed, `marks` the variables that identify it.
    """

    hook: str
    failure: str
    ends_after: str
    signals: str
    marks: str
    has_shell: bool | None
    notes: str = ""
    source: str = ""


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What `gate init` was asked for. `budget_s` is gate's own; every other deadline follows from it.

    `image` is the container's, `source` the migrations as `gate release` is to get them, `fleet` the number of shares
    that many databases are released in, `directory` where the files go, with a slash at its end if it has a name;
    `options` are those of one preset by their names on the command line.
    """

    budget_s: float
    name: str = "app"
    image: str | None = None
    namespace: str | None = None
    source: str | None = None
    fleet: int | None = None
    directory: str = ""
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Merged:
    """A file of the user's with ours in it. `loses` says what of theirs would go, empty where nothing would."""

    text: str
    loses: str = ""


@dataclass(frozen=True, kw_only=True)
class File:
    """A file to be written, by its path in the project; `then` says what is left to do with it.

    `into` puts it into a file that is there already (a line of a Procfile); without it such a file is left alone unless
    --force is given, and is then replaced. One that `is_aside` is no part of what is applied: a pipe does not get it.
    """

    path: str
    text: str
    then: str = ""
    into: Callable[[str], Merged] | None = None
    is_aside: bool = False


@dataclass(frozen=True, kw_only=True)
class Preset:
    """What `gate init KEY` writes, and the platform of that key, where it is one that a process can run on.

    `recognise` answers None where the environment is not its own; those of a low `order` are asked first. What is a way
    to install and no platform (Helm, a CI) has neither `recognise` nor `limits`. `files` is None where there is no file
    to be written, and raises UsageError for a wish that cannot be met; this module is imported at every start, so what
    it needs for that it imports itself. `about` is a line for the list of presets, `directory` where the files go
    unless told, `options` those that it takes as NAME=VALUE, with what they mean. `takes` are the options of `gate
    init` that change its files, of those that not all have: others are turned down, for they would do nothing.
    """

    key: str
    name: str
    recognise: Callable[[Mapping[str, str]], Platform | None] | None = None
    limits: Limits | None = None
    files: Callable[[Wish], tuple[File, ...]] | None = None
    about: str = ""
    directory: str = ""
    options: Mapping[str, str] = field(default_factory=dict)
    takes: frozenset[str] = frozenset({"budget"})
    budget_s: float = DEFAULT_BUDGET_S
    order: int = 50


def word(environment: Mapping[str, str], name: str) -> str:
    """The variable's value if it may stand in a command line as it is, else nothing."""
    value = environment.get(name, "")
    return value if _WORD.fullmatch(value) else ""
