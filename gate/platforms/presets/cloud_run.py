"""Google Cloud Run: a job that is executed before the service is deployed.

Source: https://cloud.google.com/run/docs/configuring/task-timeout and container-contract: ten minutes unless told, 168
hours at most; three retries unless told. A maintenance event moves the task and cuts its connections into a VPC.
"""

from __future__ import annotations

from collections.abc import Mapping

from gate.platforms.preset import File, Limits, Platform, Preset, Wish, word

_LIMIT_S = 168 * 3600.0
# Of the task's ten minutes a part is for its start.
_BUDGET_S = 8 * 60.0
# After SIGTERM there are ten.
_GRACE_S = 8.0


def _recognise(environment: Mapping[str, str]) -> Platform | None:
    if not environment.get("CLOUD_RUN_JOB"):
        return None
    job = word(environment, "CLOUD_RUN_JOB") or "JOB"
    return Platform(
        key="cloud-run",
        name="Google Cloud Run",
        place_name="job",
        budget_s=_BUDGET_S,
        grace_s=_GRACE_S,
        alone=f"gcloud run jobs execute {job} --task-timeout=168h --args=release,--budget,BUDGET",
        app=word(environment, "CLOUD_RUN_JOB") or None,
    )


def _files(wish: Wish) -> tuple[File, ...]:
    import json

    from gate.platforms.manifests import commands
    from gate.platforms.manifests.around import around_s, within

    within(wish, "Cloud Run", _LIMIT_S)
    name = f"{wish.name}-gate"
    _, *arguments = commands.with_budget(wish)
    text = f"""\
# One task, never tried again by the platform: what was cut off, the next execution takes up.
apiVersion: run.googleapis.com/v1
kind: Job
metadata:
  name: {json.dumps(name)}
spec:
  template:
    spec:
      taskCount: 1
      parallelism: 1
      template:
        spec:
          maxRetries: 0
          timeoutSeconds: "{around_s(wish)}"
          containers:
            - image: {json.dumps(wish.image or "IMAGE")}
              command: ["gate"]
              args: {json.dumps(arguments)}
              env:
                - name: DATABASE_URL
                  valueFrom:
                    secretKeyRef: {{name: database-url, key: latest}}
"""
    then = f"""\
Next:
  gcloud run jobs replace cloud-run.gate.yaml
  gcloud run jobs execute {name} --wait
                                  before each deploy; it fails if the release does, and nothing should follow it then\
"""
    return (File(path="cloud-run.gate.yaml", text=text, then=then),)


PRESET = Preset(
    key="cloud-run",
    name="Google Cloud Run",
    order=20,
    recognise=_recognise,
    files=_files,
    about="a job that is executed before the deploy",
    budget_s=_BUDGET_S,
    takes=frozenset({"budget", "image"}),
    limits=Limits(
        hook="a job, with `gcloud run jobs execute --wait` before the deploy",
        failure="the command fails, and the deploy must not follow it",
        ends_after="10 minutes (`timeoutSeconds`), 168 hours at most",
        signals="SIGTERM; SIGKILL after 10 s",
        marks="`CLOUD_RUN_JOB`",
        has_shell=False,
        notes="3 retries unless `maxRetries: 0`; a maintenance event cuts connections into a VPC: gate connects again",
        source="cloud.google.com/run/docs/configuring/task-timeout",
    ),
)
