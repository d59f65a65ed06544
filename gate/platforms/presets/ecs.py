"""Amazon ECS: a task that is run before the service is updated.

Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_definition_parameters.html: no limit of time;
SIGTERM to process 1 of the container and SIGKILL after `stopTimeout`, 30 s unless told, 120 at most on Fargate.
"""

from __future__ import annotations

from collections.abc import Mapping

from gate.platforms.preset import File, Limits, Platform, Preset, Wish

_KILLED_AFTER_S = 30
_OVERRIDE = '{"containerOverrides": [{"name": "gate", "command": ["gate", "release", "--budget", "BUDGET"]}]}'
_KINDS = ("AWS_ECS_FARGATE", "AWS_ECS_EC2")


def _recognise(environment: Mapping[str, str]) -> Platform | None:
    has_metadata = bool(environment.get("ECS_CONTAINER_METADATA_URI_V4"))
    if not has_metadata and environment.get("AWS_EXECUTION_ENV") not in _KINDS:
        return None
    return Platform(
        key="ecs",
        name="Amazon ECS",
        place_name="task",
        alone=f"aws ecs run-task --cluster CLUSTER --task-definition TASK --overrides '{_OVERRIDE}'",
    )


def _files(wish: Wish) -> tuple[File, ...]:
    import json

    from gate.platforms.manifests import commands

    command = list(commands.with_budget(wish))
    container = {
        "name": "gate",
        "image": wish.image or "IMAGE",
        "essential": True,
        "command": command,
        "stopTimeout": _KILLED_AFTER_S,
        "secrets": [{"name": "DATABASE_URL", "valueFrom": "ARN_OF_THE_SECRET"}],
    }
    definition = {"family": f"{wish.name}-gate", "containerDefinitions": [container]}
    override = {"containerOverrides": [{"name": "gate", "command": command}]}
    then = f"""\
Next:
  add to ecs.gate.json what your tasks need: roles, network, logs
  aws ecs register-task-definition --cli-input-json file://ecs.gate.json
  aws ecs run-task --cluster CLUSTER --task-definition {wish.name}-gate --overrides file://ecs.gate.run.json
                                  before the service is updated; then aws ecs wait tasks-stopped
  aws ecs describe-tasks --cluster CLUSTER --tasks TASK --query tasks[0].containers[0].exitCode
                                  nothing else fails if the release does: update the service only after a 0\
"""
    return (
        File(path="ecs.gate.json", text=json.dumps(definition, indent=2) + "\n"),
        File(path="ecs.gate.run.json", text=json.dumps(override, indent=2) + "\n", then=then),
    )


PRESET = Preset(
    key="ecs",
    name="Amazon ECS",
    order=20,
    recognise=_recognise,
    files=_files,
    about="a task definition, and how to run it before the service is updated",
    takes=frozenset({"budget", "image"}),
    limits=Limits(
        hook="`aws ecs run-task` before the service is updated",
        failure="none by itself: whoever waits reads the container's `exitCode`",
        ends_after="none",
        signals="SIGTERM to process 1; SIGKILL after 30 s (`stopTimeout`, 120 s at most on Fargate)",
        marks="`ECS_CONTAINER_METADATA_URI_V4`, or `AWS_EXECUTION_ENV=AWS_ECS_FARGATE`",
        has_shell=False,
        notes="`aws ecs wait tasks-stopped` succeeds although the task has failed",
        source="docs.aws.amazon.com/AmazonECS/latest/developerguide",
    ),
)
