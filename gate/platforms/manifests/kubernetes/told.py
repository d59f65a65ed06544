"""A wish for Kubernetes, checked: a manifest that the API server would turn down is not written."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace

from gate.model.errors import UsageError
from gate.platforms.manifests.commands import release
from gate.platforms.manifests.kubernetes.deadlines import Deadlines, deadlines
from gate.platforms.manifests.kubernetes.options import FLEET_OPTIONS
from gate.platforms.manifests.yaml import Scalar
from gate.platforms.preset import Wish

HOOKS = ("rollout_undo", "scale", "pause", "delete_job", "suspend_job")
"""Those that ask the API server, as gate.toml names them behind `kubernetes.`."""
NEWEST_FIELDS = (1, 29)
"""podReplacementPolicy and backoffLimitPerIndex are on since then, native sidecars too; all are kept since."""
_OLDEST = (1, 25)
# What is put behind a name has to fit into the 63 characters of a label: `-gate-failed`, and `-gate-9999` of a share.
_LONGEST_NAME = 51
_LABEL = re.compile(r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?")
_SUBDOMAIN = re.compile(r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*")
_KEY = re.compile(r"[-._a-zA-Z0-9]{1,253}")
_VERSION = re.compile(r"v?1\.([0-9]{1,3})")
# Of a fleet every key of the Secret is a database, and no pod can wait for all of them.
_OF_ONE = ("key", "deployment", "app-account")
_MEMBER = re.compile(r"[A-Za-z0-9_][-A-Za-z0-9._]{0,99}")
_TOO_LARGE = 10_000
AT_ONCE = 4
"""So many databases of a share are released at the same time."""


@dataclass(frozen=True, kw_only=True)
class Fleet:
    """Shares of many databases, one pod each: `parallel` at a time, `failures` before the others are stopped.

    `canary` is the database that is released before all others, empty for the first share. `largest` is how many
    databases the largest share is held to have.
    """

    shares: int
    parallel: int
    failures: int
    canary: str
    largest: int

    @property
    def rounds(self) -> int:
        """How many pods follow each other."""
        return math.ceil(self.shares / self.parallel)

    @property
    def in_a_row(self) -> int:
        """How many releases follow each other in one pod: first one alone, then `AT_ONCE` at a time."""
        return 1 + math.ceil((self.largest - 1) / AT_ONCE)


@dataclass(frozen=True, kw_only=True)
class Told:
    """`name` is the app's, `job` that of the Job and all that belongs to it. `user` is None for the image's own.

    Of a fleet there are two Jobs: one that `is_canary`, and that of all shares.
    """

    name: str
    job: Scalar
    image: Scalar
    namespace: Scalar
    command: tuple[str, ...]
    source: tuple[str, ...]
    secret: str
    key: str
    deployments: tuple[str, ...]
    hooks: tuple[str, ...]
    asks_api: bool
    app_account: str
    user: int | None
    version: tuple[int, int]
    deadlines: Deadlines
    fleet: Fleet | None
    is_canary: bool = False

    @property
    def shares(self) -> Fleet | None:
        """Those of an Indexed Job, None for any other."""
        return None if self.is_canary else self.fleet

    @property
    def has_newest_fields(self) -> bool:
        return self.version >= NEWEST_FIELDS

    @property
    def has_failure_policy(self) -> bool:
        """It is on since 1.26; before that it would be dropped without a word."""
        return self.version >= (1, 26)


def canary_of(told: Told) -> Told:
    """What is released before the fleet, in a Job of its own: pods of one Job do not wait for each other."""
    assert told.fleet is not None
    in_a_row = 1 if told.fleet.canary else told.fleet.in_a_row
    return replace(told, is_canary=True, deadlines=replace(told.deadlines, rounds=1, in_a_row=in_a_row))


def told(wish: Wish) -> Told:
    """Raises UsageError for what is no name in Kubernetes, and for what contradicts itself."""
    options = wish.options
    name = _label("--name", wish.name, _LONGEST_NAME)
    fleet = _fleet(wish)
    version = _version(options.get("kubernetes", "1.29"))
    if fleet and version < NEWEST_FIELDS:
        raise UsageError("--fleet needs Kubernetes 1.29: backoffLimitPerIndex", remedy="leave kubernetes= out")
    times = deadlines(wish.budget_s, fleet.rounds, fleet.in_a_row) if fleet else deadlines(wish.budget_s)
    hooks = _hooks(options.get("hooks", ""))
    asks_api = _is_yes("api", options.get("api", "yes"))
    if hooks and not asks_api:
        raise UsageError("hooks= need the API, and api=no takes it away", remedy="leave one of them out")
    return Told(
        name=name,
        job=f"{name}-gate",
        image=_image(wish.image) if wish.image is not None else "IMAGE",
        namespace=_label("--namespace", wish.namespace, 63) if wish.namespace is not None else "default",
        command=release(wish),
        source=release(wish)[2:],
        secret=_subdomain("secret", options.get("secret", f"{name}-database")),
        key=_key(options.get("key", "DATABASE_URL")),
        deployments=tuple(_subdomain("deployment", each) for each in _listed(options.get("deployment") or name)),
        hooks=hooks,
        asks_api=asks_api,
        app_account=_subdomain("app-account", options["app-account"]) if "app-account" in options else "",
        user=_user(options.get("user", "65532")),
        version=version,
        deadlines=times,
        fleet=fleet,
    )


def _label(option: str, value: str, longest: int) -> str:
    if _LABEL.fullmatch(value) and len(value) <= longest:
        return value
    near = re.sub(r"[^a-z0-9]+", "-", value.lower())[:longest].strip("-")
    raise UsageError(
        f"{option} {value!r} is no name in Kubernetes: up to {longest} of a to z, 0 to 9 and -, none of - at its ends",
        remedy=f"such as {option} {near}" if near else f"such as {option} shop",
    )


def _subdomain(option: str, value: str) -> str:
    if _SUBDOMAIN.fullmatch(value) and len(value) <= 253:
        return value
    raise UsageError(
        f"{option}={value}: {value!r} is no name in Kubernetes: a to z, 0 to 9, - and . between them",
        remedy=f"as kubectl get prints it, such as {option}=shop",
    )


def _key(value: str) -> str:
    if _KEY.fullmatch(value) and value not in (".", ".."):
        return value
    raise UsageError(f"key={value}: no key of a Secret", remedy="letters, digits, -, _ and ., such as key=DATABASE_URL")


def _image(value: str) -> str:
    if value and value.isprintable() and not any(char.isspace() for char in value):
        return value
    raise UsageError(f"--image {value!r} is no image", remedy="such as --image registry.example.com/shop:1.2.3")


def _version(value: str) -> tuple[int, int]:
    found = _VERSION.fullmatch(value)
    if found is None or (1, int(found[1])) < _OLDEST:
        raise UsageError(f"kubernetes={value}: 1.25 at least", remedy="such as kubernetes=1.27")
    return 1, int(found[1])


def _user(value: str) -> int | None:
    if value == "image":
        return None
    if value.isascii() and value.isdigit() and 0 < int(value) < 2**31:
        return int(value)
    raise UsageError(
        f"user={value}: a number above 0, for the container does not run as root",
        remedy="such as user=1000; user=image for the image's own, which then has to be a number",
    )


def _hooks(value: str) -> tuple[str, ...]:
    found = _listed(value)
    for each in found:
        if each not in HOOKS:
            raise UsageError(f"hooks={value}: there is no {each!r}", remedy=f"of {', '.join(HOOKS)}")
    return tuple(hook for hook in HOOKS if hook in found)


def _is_yes(option: str, value: str) -> bool:
    if value not in ("yes", "no"):
        raise UsageError(f"{option}={value}: yes or no", remedy=f"{option}=no, or nothing")
    return value == "yes"


def _listed(value: str) -> tuple[str, ...]:
    return tuple(each.strip() for each in value.split(",") if each.strip())


def _fleet(wish: Wish) -> Fleet | None:
    if wish.fleet is None:
        for option in FLEET_OPTIONS:
            if option in wish.options:
                raise UsageError(f"{option}= is for a fleet", remedy="add --fleet N, the number of shares")
        return None
    for option in _OF_ONE:
        if option in wish.options:
            raise UsageError(f"{option}= is for one database, and --fleet for many", remedy="leave one of them out")
    shares = _number("--fleet ", str(wish.fleet), 1)
    parallel = min(shares, _number("parallel=", wish.options.get("parallel", "4"), 1))
    failures = _number("failures=", wish.options.get("failures", "0"), 0)
    return Fleet(
        shares=shares,
        parallel=parallel,
        failures=min(failures, shares),
        canary=_member(wish.options.get("canary")),
        largest=_number("largest=", wish.options.get("largest", "8"), 1),
    )


def _member(value: str | None) -> str:
    if value is None or _MEMBER.fullmatch(value):
        return value or ""
    raise UsageError(f"canary={value}: no name of a database", remedy="its key in the Secret, such as canary=acme")


def _number(option: str, value: str, least: int) -> int:
    if value.isascii() and value.isdigit() and least <= int(value) <= _TOO_LARGE:
        return int(value)
    raise UsageError(f"{option}{value}: a whole number from {least} to {_TOO_LARGE:,}", remedy="such as 8")
