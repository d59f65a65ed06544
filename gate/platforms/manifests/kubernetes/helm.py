"""A hook of a Helm chart. Templates are few, and stand in quotes: the file is YAML before it is rendered, too.

Source: https://helm.sh/docs/topics/charts_hooks/: hooks of pre-install run before the chart's Secrets are there; one
delete policy replaces the default, which is before-hook-creation.
"""

from __future__ import annotations

from dataclasses import replace

from gate.model.errors import UsageError
from gate.platforms.manifests.commands import written
from gate.platforms.manifests.kubernetes.deadlines import go_duration
from gate.platforms.manifests.kubernetes.job import canary, inner_limit, job
from gate.platforms.manifests.kubernetes.plain import belongings, secret_step
from gate.platforms.manifests.kubernetes.told import Told, told
from gate.platforms.manifests.kubernetes.waiting import container
from gate.platforms.manifests.yaml import Raw, Value, Why, documents, sequence
from gate.platforms.preset import File, Wish

JOB = Raw('"{{ .Release.Name }}-gate"')
NAMESPACE = Raw('"{{ .Release.Namespace }}"')
IMAGE = Raw('"{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}"')
_EVENTS = {"after": "post-install,pre-upgrade", "before": "pre-install,pre-upgrade"}
_WHY_EVENTS_OF_A_FLEET = {
    "after": "Before an upgrade; at the first install after it, for before that the chart's Secrets are not there.",
    "before": "Before an upgrade, and before the first install: the Secret with the URLs has to be there by then.",
}
_WHY_EVENTS = {
    "after": "Before an upgrade; at the first install after it, for before that the chart's Secrets are not there. Its "
    "pods then wait in gate wait, so that install goes without --wait.",
    "before": "Before an upgrade, and before the first install: the Secret with the URL has to be there by then.",
}


def files(wish: Wish) -> tuple[File, ...]:
    """The hook, and a helper for the chart's own Deployment."""
    install = wish.options.get("install", "after")
    if install not in _EVENTS:
        raise UsageError(f"install={install}: before or after", remedy="install=before, or nothing")
    found = _told(wish)
    why = (_WHY_EVENTS_OF_A_FLEET if found.fleet else _WHY_EVENTS)[install]
    first = [canary(found, _annotations(install, -15, why))] if found.fleet else []
    text = documents(
        *belongings(found, _annotations(install, -20)),
        *first,
        job(found, _annotations(install, -10, why)),
        head=f"gate before each upgrade. Helm has to wait for longer than the Job may take: {_upgrade(found)}",
    )
    made = File(path="templates/gate.yaml", text=text, then=_then(found, install, wish.directory))
    if found.fleet:
        return (made,)
    return (made, File(path="templates/_gate.tpl", text=_helper(found), is_aside=True))


def _told(wish: Wish) -> Told:
    for value in (wish.image, wish.source):
        if value is not None and "{{" in value and value != wish.image:
            raise UsageError(f"--source {value}: a template", remedy="the path in the image, such as db/migrations")
    found = told(wish)
    image = IMAGE if wish.image is None else found.image
    return replace(found, job=JOB, namespace=NAMESPACE, image=image)


def _annotations(install: str, weight: int, why: str = "") -> dict[str, Value]:
    """With comments where there is something to say: at a Job."""
    if not why:
        return {
            "helm.sh/hook": _EVENTS[install],
            "helm.sh/hook-weight": str(weight),
            "helm.sh/hook-delete-policy": "before-hook-creation",
        }
    return {
        "helm.sh/hook": Why(_EVENTS[install], why),
        "helm.sh/hook-weight": str(weight),
        "helm.sh/hook-delete-policy": Why(
            "before-hook-creation",
            "Kept until the next time, so that its log can be read. hook-failed would delete a Job that still runs.",
        ),
        "helm.sh/hook-output-log-policy": Why(
            "hook-succeeded,hook-failed", "Helm 3.18 and 4 print the log of the Job; older ones take no notice."
        ),
    }


def _helper(found: Told) -> str:
    return (
        "{{/*\nThe app's pods wait for the schema, whatever has become of the hook. In templates/deployment.yaml,\n"
        'in the spec of the pod:\n\n      initContainers:\n        {{- include "gate.wait" . | nindent 8 }}\n*/}}\n'
        '{{- define "gate.wait" -}}\n' + sequence([container(found)]) + "{{- end }}\n"
    )


def _upgrade(found: Told) -> str:
    return f"helm upgrade --timeout {go_duration(found.deadlines.patience_s)}"


def _then(found: Told, install: str, at: str) -> str:
    times, shown = found.deadlines, replace(found, namespace="NAMESPACE")
    return f"""\
Once:
{secret_step(shown)}
{"" if found.fleet else _waiting_step(at)}{_install_step(found, install)}

Each deploy:
  {_upgrade(found)} --install {found.name} {at or "./"}
      {inner_limit(found)}; the Job ends after {written(times.job_s)}, then Helm
  --rollback-on-failure (--atomic) rolls back the chart, never the database: what was committed stays\
"""


def _waiting_step(at: str) -> str:
    return f"""\
  in {at}templates/deployment.yaml, in the spec of the pod:
      initContainers:
        {{{{- include "gate.wait" . | nindent 8 }}}}
"""


def _install_step(found: Told, install: str) -> str:
    if install == "before":
        return "  the Secret has to be there before helm install"
    if found.fleet:
        return "  the Job comes after the first install: until then the app finds databases without a schema"
    return "  helm install without --wait: the Job comes after the first install, and the pods wait for it"
