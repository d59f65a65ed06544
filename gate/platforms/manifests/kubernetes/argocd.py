"""Hooks of Argo CD: PreSync before anything is applied, SyncFail when a sync has failed.

Source: https://argo-cd.readthedocs.io/en/stable/user-guide/sync-waves/; a failed PreSync hook ends the sync, and then
SyncFail hooks are run too. Any hook of Argo's own makes it take no notice of Helm's.
"""

from __future__ import annotations

from gate.platforms.manifests.commands import written
from gate.platforms.manifests.kubernetes.job import canary, clean_up, inner_limit, job
from gate.platforms.manifests.kubernetes.plain import belongings, image_step, secret_step
from gate.platforms.manifests.kubernetes.rbac import suffixed
from gate.platforms.manifests.kubernetes.told import Told, canary_of, told
from gate.platforms.manifests.kubernetes.waiting import pod_spec
from gate.platforms.manifests.yaml import Value, Why, commented, document, documents
from gate.platforms.preset import File, Wish


def files(wish: Wish) -> tuple[File, ...]:
    """One file, in the directory of the application."""
    found = told(wish)
    made = belongings(found, _annotations(-3))
    if found.fleet:
        made += [canary(found, _job_annotations(-2)), job(found, _job_annotations(-1))]
    else:
        made += [
            job(found, _job_annotations(-1)),
            clean_up(found, _annotations(0, "SyncFail"), suffixed(found.job, "-failed")),
        ]
    text = documents(
        *made, head="gate before each sync. Argo CD waits without a limit: the Job's own deadline ends it."
    )
    return (File(path="gate.yaml", text=text + ("" if found.fleet else _wait(found)), then=_then(found)),)


def _annotations(wave: int, phase: str = "PreSync") -> dict[str, Value]:
    return {
        "argocd.argoproj.io/hook": phase,
        "argocd.argoproj.io/hook-delete-policy": "BeforeHookCreation",
        "argocd.argoproj.io/sync-wave": str(wave),
    }


def _job_annotations(wave: int) -> dict[str, Value]:
    """Those of the Job, with their reasons."""
    return {
        "argocd.argoproj.io/hook": Why("PreSync", "Before anything is applied: if it fails, nothing is."),
        "argocd.argoproj.io/hook-delete-policy": Why(
            "BeforeHookCreation", "Kept until the next sync: its log, and its state, can be read."
        ),
        "argocd.argoproj.io/sync-wave": Why(
            str(wave), "After its account, which is a hook too: PreSync comes first of all."
        ),
    }


def _wait(found: Told) -> str:
    lines = [
        "# Argo CD may skip a hook (a sync that begins while another rolls out, a selective sync). So the app's own",
        "# pods have to look as well; in its Deployment:",
        *(f"#{line}" for line in commented(document(pod_spec(found))).splitlines()),
    ]
    return "\n".join([*lines, ""])


def _then(found: Told) -> str:
    times = found.deadlines
    # Argo CD's own patience is for the whole of a sync.
    before_s = canary_of(found).deadlines.patience_s if found.fleet else 0
    waiting = (
        ""
        if found.fleet
        else "  the lines at the end of gate.yaml in the app's Deployment: its pods wait for the schema if the hook "
        "was skipped\n"
    )
    return f"""\
Once:
{image_step(found)}{secret_step(found)}
  (that Secret has to be there before the first sync)
{waiting}\
  if the application is a Helm chart, take gate init helm instead: one hook of Argo's own, and Helm's are ignored

Each sync:
  argocd app wait {found.name} --timeout {before_s + times.patience_s}
      {inner_limit(found)}; the Job ends after {written(times.job_s)}, then argocd
  a failed sync is tried again if syncPolicy.retry says so: what gate refuses it refuses again, and says it once\
"""
