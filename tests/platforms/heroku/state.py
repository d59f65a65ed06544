"""An app on Heroku as a state machine: what releases, dynos, maintenance and the formation do to each other.

Every resource is what the API would show, with all the properties that its schema promises.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

Resource = dict[str, Any]
ONE_OFF = ("run", "release")


def identity(number: int) -> str:
    """A UUID that is the same in each run."""
    return str(UUID(int=number, version=4))


def moment(age_s: float = 0.0) -> str:
    """So many seconds ago, as the API writes it."""
    return (datetime.now(UTC) - timedelta(seconds=age_s)).strftime("%Y-%m-%dT%H:%M:%SZ")


def _numbers() -> Callable[[], int]:
    return count(1000).__next__


@dataclass(kw_only=True)
class App:
    """`pending_polls` is how often a release with a release command is looked at before that ends, with `command_ends`.

    Releases are kept with the oldest first. `attachments` are those of all apps that this account sees.
    """

    name: str = "shop"
    id: str = identity(1)
    is_in_maintenance: bool = False
    has_release_command: bool = False
    pending_polls: int = 0
    command_ends: str = "succeeded"
    has_preboot: bool = False
    releases: list[Resource] = field(default_factory=list)
    dynos: list[Resource] = field(default_factory=list)
    formation: dict[str, Resource] = field(default_factory=dict)
    attachments: list[Resource] = field(default_factory=list)
    number: Callable[[], int] = field(default_factory=_numbers)

    # --- what tests set up ------------------------------------------------------------------------------------------

    def release(
        self,
        *,
        age_s: float = 86400.0,
        status: str = "succeeded",
        slug: str | None = None,
        is_eligible: bool | None = None,
        description: str = "Deploy 9e2f6a1b",
    ) -> int:
        """One more, current where it has succeeded; its version."""
        version = self.releases[-1]["version"] + 1 if self.releases else 1
        is_current = status == "succeeded"
        if is_current:
            self._retire()
        self.releases.append(
            {
                "addon_plan_names": ["heroku-postgresql:standard-0"],
                "artifacts": [],
                "app": self.named,
                "created_at": moment(age_s),
                "description": description,
                "id": identity(self.number()),
                "updated_at": moment(age_s),
                "slug": {"id": slug or identity(self.number())},
                "status": status,
                "user": {"id": identity(2), "email": "ops@example.com"},
                "version": version,
                "current": is_current,
                "output_stream_url": None,
                "eligible_for_rollback": is_current if is_eligible is None else is_eligible,
            }
        )
        return int(version)

    def dyno(self, name: str, version: int, *, state: str = "up", age_s: float = 3600.0) -> Resource:
        """One that runs this release."""
        made = {
            "attach_url": None,
            "command": "bin/serve",
            "created_at": moment(age_s),
            "id": identity(self.number()),
            "name": name,
            "release": {"id": self.version(version)["id"], "version": version},
            "app": self.named,
            "size": "Standard-1X",
            "state": state,
            "type": name.replace("-", ".", 1).partition(".")[0],
            "updated_at": moment(age_s),
        }
        self.dynos.append(made)
        return made

    def process(self, kind: str, quantity: int, size: str = "Standard-1X") -> None:
        """A process type with its quantity; its dynos run the current release."""
        self.formation[kind] = {
            "app": self.named,
            "command": f"bin/{kind}",
            "created_at": moment(86400),
            "dyno_size": {"id": identity(3), "name": size},
            "id": identity(self.number()),
            "quantity": quantity,
            "size": size,
            "type": kind,
            "updated_at": moment(86400),
        }
        self._fill(kind, age_s=3600.0)

    def attachment(self, name: str, *, addon: str = "postgresql-round-1234", app: str = "") -> None:
        """An add-on under this name, of this app or another one."""
        other = {"id": identity(sum(map(ord, app)) + 7), "name": app} if app else self.named
        number = self.number()
        self.attachments.append(
            {
                "addon": {"id": identity(sum(map(ord, addon))), "name": addon, "app": self.named},
                "app": other,
                "created_at": moment(86400),
                "id": identity(number),
                "name": name,
                "namespace": None,
                "updated_at": moment(86400),
                "web_url": None,
                "log_input_url": None,
            }
        )

    # --- what the API shows ------------------------------------------------------------------------------------------

    @property
    def named(self) -> Resource:
        return {"id": self.id, "name": self.name}

    @property
    def current(self) -> Resource:
        return next(release for release in self.releases if release["current"])

    def shown(self) -> Resource:
        """The app itself."""
        return {
            "acm": False,
            "archived_at": None,
            "buildpack_provided_description": "Ruby",
            "build_stack": {"id": identity(4), "name": "heroku-24"},
            "created_at": moment(9e6),
            "generation": {"id": identity(5), "name": "cedar"},
            "git_url": f"https://git.heroku.com/{self.name}.git",
            "id": self.id,
            "internal_routing": None,
            "maintenance": self.is_in_maintenance,
            "name": self.name,
            "owner": {"email": "ops@example.com", "id": identity(2)},
            "organization": None,
            "team": None,
            "region": {"id": identity(6), "name": "us"},
            "released_at": self.releases[-1]["created_at"] if self.releases else None,
            "repo_size": None,
            "slug_size": 0,
            "space": None,
            "stack": {"id": identity(4), "name": "heroku-24"},
            "updated_at": moment(60),
            "web_url": f"https://{self.name}.herokuapp.com/",
        }

    def feature(self) -> Resource:
        """Preboot, the only one."""
        return {
            "created_at": moment(9e6),
            "description": "Provide seamless web dyno deploys.",
            "doc_url": "https://devcenter.heroku.com/articles/preboot",
            "enabled": self.has_preboot,
            "id": identity(8),
            "name": "preboot",
            "state": "general",
            "updated_at": moment(9e6),
            "display_name": "Preboot",
            "feedback_email": "feedback@example.com",
        }

    def version(self, version: int) -> Resource:
        return next(release for release in self.releases if release["version"] == version)

    def found(self, told: str) -> Resource | None:
        """A release by its id or version; one that is pending is a poll nearer to its end."""
        asked = (release for release in self.releases if told in (release["id"], str(release["version"])))
        release = next(asked, None)
        if release is not None and release["status"] == "pending":
            self._poll(release)
        return release

    # --- what happens ------------------------------------------------------------------------------------------------

    def roll_back(self, target: Resource) -> Resource:
        """A new release of that one's slug; it becomes current when its release command has ended well."""
        self.release(
            age_s=0.0,
            status="pending",
            slug=target["slug"]["id"],
            description=f"Rollback to v{target['version']}",
        )
        made = self.releases[-1]
        if not self.has_release_command:
            self._conclude(made, "succeeded")
        else:
            made["output_stream_url"] = f"https://release-output.heroku.com/streams/{made['id']}"
            self.dyno(f"release.{self.number()}", made["version"], state="starting", age_s=0.0)
        return made

    def stop(self, dyno: Resource) -> None:
        """It is gone; a release whose command it ran has failed."""
        self.dynos.remove(dyno)
        release = self.version(dyno["release"]["version"])
        if dyno["type"] == "release" and release["status"] == "pending":
            release["status"] = "failed"

    def restart(self, dynos: list[Resource]) -> None:
        """They run the current release afterwards; a one-off dyno does not come back."""
        for dyno in dynos:
            self.stop(dyno)
            if dyno["type"] not in ONE_OFF:
                self.dyno(dyno["name"], self.current["version"], age_s=0.0)

    def scale(self, kind: str, quantity: int) -> Resource:
        self.formation[kind]["quantity"] = quantity
        self.dynos = [dyno for dyno in self.dynos if dyno["type"] != kind]
        self._fill(kind, age_s=0.0)
        return self.formation[kind]

    def _poll(self, release: Resource) -> None:
        self.pending_polls -= 1
        if self.pending_polls < 0:
            self._conclude(release, self.command_ends)

    def _conclude(self, release: Resource, status: str) -> None:
        release["status"] = status
        self.dynos = [dyno for dyno in self.dynos if dyno["type"] != "release"]
        if status == "succeeded":
            self._retire()
            release |= {"current": True, "eligible_for_rollback": True}
            self.restart([dyno for dyno in self.dynos if dyno["type"] not in ONE_OFF])

    def _retire(self) -> None:
        for earlier in self.releases:
            earlier["current"] = False

    def _fill(self, kind: str, age_s: float) -> None:
        for place in range(self.formation[kind]["quantity"]):
            self.dyno(f"{kind}.{place + 1}", self.current["version"], age_s=age_s)


def descending(releases: list[Resource], below: int | None) -> Iterator[Resource]:
    """The newest first, those before a version where one is told."""
    return (release for release in reversed(releases) if below is None or release["version"] < below)
