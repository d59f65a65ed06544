"""`heroku.restart`: dynos of the formation are started anew, so that they let go of what they hold.

One-off dynos never are: a release phase is at work in one, perhaps gate itself. So all dynos at once, which the API
offers, are not asked for; each process type is.
"""

from __future__ import annotations

from dataclasses import dataclass

from gate.model.units import plural
from gate.platforms.deeds import Said, in_words
from gate.platforms.heroku.answers import Dyno
from gate.platforms.heroku.calling import Call, HerokuHook, options
from gate.platforms.heroku.errors import Lost
from gate.platforms.heroku.scaling import missing, process_type
from gate.platforms.making import Around
from gate.policy.policy import HookSetting

KIND = "heroku.restart"


@dataclass(frozen=True, kw_only=True)
class Restart:
    """`kind` is one process type, empty for all of the formation."""

    kind: str

    def needs(self, call: Call) -> str:  # noqa: ARG002 - as every deed
        return "write"

    def problem(self, call: Call) -> str:
        return missing(call, self.kind) if self.kind else ""

    def do(self, call: Call) -> Said:
        app = call.api.app()
        absent = self.problem(call)
        if absent:
            return Said(problem=absent)
        dynos, own = call.api.dynos(), own_dyno(call.around)
        kinds = [self.kind] if self.kind else [process.kind for process in call.api.formation()]
        groups = {kind: [dyno for dyno in dynos if dyno.kind == kind] for kind in kinds}
        done: list[str] = []
        problems: list[str] = []
        for kind, group in groups.items():
            if any(dyno.name == own for dyno in group):
                problems.append(f"{kind} was not restarted: gate runs in {own}")
            elif group and (problem := _lost(call, kind, group)):
                problems.append(problem)
            elif group:
                done.append(f"{kind} ({plural(len(group), 'dyno')})")
        said = f"restarted of {app.name}: {', '.join(done)}" if done else f"nothing of {app.name} was restarted"
        return Said(output=said, problem="; ".join(problems))


def made(setting: HookSetting, around: Around) -> HerokuHook:
    told = options(setting)
    told.known("type")
    kind = told.text("type")
    return HerokuHook(setting=setting, around=around, deed=Restart(kind=process_type(kind, KIND) if kind else ""))


def own_dyno(around: Around) -> str:
    """The name of the dyno that we run in, empty outside of Heroku."""
    return around.environment.get("DYNO", "").strip()


def _lost(call: Call, kind: str, before: list[Dyno]) -> str:
    """Restarts them; what went wrong. Where the answer is lost the dynos tell: it is not asked for a second time."""
    try:
        call.api.restart_type(kind)
    except Lost as lost:
        earlier = {(dyno.id, dyno.created_at) for dyno in before}
        now = {(dyno.id, dyno.created_at) for dyno in call.api.dynos() if dyno.kind == kind}
        return f"{kind}: {in_words(lost)}" if now & earlier or not now else ""
    return ""
