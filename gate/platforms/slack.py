"""Slack: a message by an incoming webhook, whose address is itself the secret.

Source: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace

from gate.model.errors import UsageError
from gate.model.run import HookRun
from gate.model.version import VERSION
from gate.platforms.making import Around, Factory
from gate.platforms.posting import Answer, Letter, Reference, only_known, post, said, secret_of
from gate.platforms.slack_message import message
from gate.platforms.webhook import repeat_after, told_of, without_secrets
from gate.policy.policy import HookSetting
from gate.run.hooking import Left
from gate.run.hooking_repeats import REPEAT_AFTER_S

_OPTIONS = ("url", "repeat_after")
_KEY = "hook slack"
# What Slack answers in a word, and what to do about it.
_MEANINGS = {
    "no_service": "the webhook was taken away or switched off: make a new one, and put its URL in its place",
    "no_service_id": "the URL is not whole: copy it anew",
    "no_team": "the URL is of no workspace: copy it anew",
    "team_disabled": "the workspace is switched off",
    "invalid_token": "the URL is not whole, or was revoked: make a new webhook",
    "channel_not_found": "its channel is gone: make a webhook for another one",
    "channel_is_archived": "its channel is archived: make a webhook for another one",
    "action_prohibited": "an administrator forbids posting there",
    "posting_to_general_channel_denied": "an administrator forbids posting there",
    "user_not_found": "its user is gone: make a webhook for a channel",
    "invalid_payload": "Slack does not understand the message: please report this",
    "invalid_blocks": "Slack does not understand the message: please report this",
}


@dataclass(frozen=True, kw_only=True)
class SlackHook:
    """Meets `Hook`, `Checked` and `TellsPeople`."""

    setting: HookSetting
    around: Around
    url: Reference
    repeat_after_s: float = REPEAT_AFTER_S

    @property
    def name(self) -> str:
        """With the variable that holds the address, for there may be one for each channel."""
        return f"slack {self.url.where}"

    @property
    def longest_s(self) -> float:
        return self.setting.timeout_s

    def check(self, left_s: Left) -> str:  # noqa: ARG002 - nobody is asked
        """Whether the address is there; nothing is sent."""
        try:
            self.url.address(self.around)
        except UsageError as error:
            return f"{error}: {error.remedy}"
        return ""

    def call(self, event: str, document: str, left_s: Left) -> HookRun:
        begun_s = time.monotonic()
        url = self.url.address(self.around)
        told = message(event, without_secrets(json.loads(document), self.around))
        letter = Letter(
            url=url,
            body=json.dumps(told).encode(),
            headers=lambda: {"Content-Type": "application/json; charset=utf-8", "User-Agent": f"gate/{VERSION}"},
        )
        answer = post(letter, lambda: min(left_s(), self.setting.timeout_s - (time.monotonic() - begun_s)))
        return told_of(self.name, event, _explained(answer), time.monotonic() - begun_s, self.around)


def _explained(answer: Answer) -> Answer:
    """With what Slack's own word for it means."""
    if answer.status == 200 and said(answer.text) != "ok":
        # A proxy's page of its own is no message in a channel.
        return replace(answer, problem=f"answered 200, and not as Slack does: {said(answer.text)}")
    meaning = _MEANINGS.get(said(answer.text))
    return replace(answer, problem=f"{answer.problem} ({meaning})") if answer.problem and meaning else answer


def _made(setting: HookSetting, around: Around) -> SlackHook:
    only_known(setting.options, _OPTIONS, _KEY)
    url = secret_of(setting.options.get("url"), f"{_KEY}, url")
    return SlackHook(setting=setting, around=around, url=url, repeat_after_s=repeat_after(setting.options, _KEY))


HOOKS: Mapping[str, Factory] = {"": _made}
