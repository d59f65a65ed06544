"""The Job that releases: when it is tried again, how long it may take, and what its pod may do.

Source: k8s.io/api/batch/v1 and core/v1 types, 1.25 to 1.37; https://kubernetes.io/docs/concepts/workloads/controllers/job/
"""

from __future__ import annotations

from collections.abc import Mapping

from gate.model.errors import Exit
from gate.platforms.manifests.commands import written
from gate.platforms.manifests.kubernetes.rbac import labels, metadata, suffixed
from gate.platforms.manifests.kubernetes.told import AT_ONCE, Fleet, Told, canary_of
from gate.platforms.manifests.yaml import Scalar, Value, Why

CONTAINER = "gate"
RETRIES = 3
KEPT_S = 86_400
FLEET_DIRECTORY = "/etc/gate/fleet"
_FLEET_GROUP = 65532
TMP = "/tmp"  # noqa: S108 - a directory of the container's own
FINAL = tuple(sorted(code.value for code in Exit if code is not Exit.DONE and not code.may_be_retried))
"""The exit codes after which the same program would end in the same way."""


def canary(told: Told, annotations: Mapping[str, Value]) -> dict[str, Value]:
    """`gate release` of a fleet's first database, or of its first share; the others follow once it has ended well."""
    found = job(canary_of(told), annotations)
    return {**found, "metadata": {**metadata(told, annotations), "name": canary_name(told)}}


def canary_name(told: Told) -> Scalar:
    """Short, for the name of a release of Helm's may have 53 characters, and that of a Job 63."""
    return suffixed(told.job, "-one")


def job(told: Told, annotations: Mapping[str, Value]) -> dict[str, Value]:
    """`gate release` once a deploy."""
    spec: dict[str, Value] = {**_times(told), **_retries(told)}
    pod: dict[str, Value] = {"metadata": {"labels": labels(told), "annotations": _annotations()}, "spec": _pod(told)}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": metadata(told, annotations),
        "spec": {**spec, "template": pod},
    }


def clean_up(told: Told, annotations: Mapping[str, Value], name: Value) -> dict[str, Value]:
    """`gate kill`, after a deploy that has failed: it ends what a dead release left at work, and says who waits."""
    pod = _pod(told)
    pod["containers"] = [
        {
            "name": CONTAINER,
            "image": told.image,
            "command": Why(["gate", "kill"], "Ends what a release left that is dead, and no other; says who waits."),
            **_of_container(told),
        }
    ]
    pod["automountServiceAccountToken"] = False
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {**metadata(told, annotations), "name": name},
        "spec": {
            "activeDeadlineSeconds": 300,
            "ttlSecondsAfterFinished": KEPT_S,
            "backoffLimit": 1,
            "template": {
                "metadata": {"labels": {**labels(told), "app.kubernetes.io/component": "clean-up"}},
                "spec": pod,
            },
        },
    }


def inner_limit(told: Told) -> str:
    """When gate itself has ended, in words."""
    whole = written(told.deadlines.budget_s)
    return f"gate has {whole} for each database" if told.fleet else f"gate ends after {whole}"


def _times(told: Told) -> dict[str, Value]:
    times = told.deadlines
    return {
        "activeDeadlineSeconds": Why(
            times.job_s,
            f"For all pods of this Job together. {inner_limit(told)} (--budget): a "
            "Job that reaches this loses its pod, and the log with it. Who waits for it (helm --timeout, kubectl "
            f"wait) has to wait for longer: {written(times.patience_s)}.",
        ),
        "ttlSecondsAfterFinished": Why(
            KEPT_S, "Its log can be read for a day. A short time would have Argo CD wait for a Job that is gone."
        ),
    }


def _retries(told: Told) -> dict[str, Value]:
    found: dict[str, Value] = _shares(told.shares) if told.shares else {}
    if not told.has_failure_policy:
        why = "Before Kubernetes 1.26 no exit code can be told from another: what is refused must not be tried again."
        return {**found, "backoffLimit": Why(0, why)}
    if not told.shares:
        why = "So often another pod is tried, after 10, 20 and 40 s, for what podFailurePolicy counts."
        found["backoffLimit"] = Why(RETRIES, why)
    if told.has_newest_fields:
        why = "Not before the pod has ended: two at a time would wait for each other."
        found["podReplacementPolicy"] = Why("Failed", why)
    found["podFailurePolicy"] = {"rules": _rules(told)}
    return found


def _rules(told: Told) -> list[Value]:
    final = ", ".join(str(code) for code in FINAL)
    action = "FailIndex" if told.shares else "FailJob"
    # Before 1.29 the schema wants it in every rule.
    older: dict[str, Value] = {} if told.has_newest_fields else {"onPodConditions": []}
    return [
        Why(
            {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
            "The first that matches counts. A drained or preempted node is nobody's fault: gate stops on SIGTERM, and "
            "the next pod takes up what is left.",
        ),
        Why(
            {
                "action": action,
                "onExitCodes": {"containerName": CONTAINER, "operator": "In", "values": list(FINAL)},
                **older,
            },
            f"Exit codes {final}: a refusal, a failed migration and their like end the same way the next time.",
        ),
        Why(
            {
                "action": "Count",
                "onExitCodes": {"containerName": CONTAINER, "operator": "NotIn", "values": list(FINAL)},
                **older,
            },
            "All others (20 a lock, 21 another gate, 30 stopped, 50 no connection, 137 killed) are tried again.",
        ),
    ]


def _shares(fleet: Fleet) -> dict[str, Value]:
    return {
        "completionMode": Why("Indexed", "One pod for each share of the databases: JOB_COMPLETION_INDEX, from 0."),
        "completions": fleet.shares,
        "parallelism": fleet.parallel,
        "backoffLimitPerIndex": Why(RETRIES, "So often a share is tried again; one that is stuck keeps no other back."),
        "maxFailedIndexes": Why(
            fleet.failures, "More failed shares than this, and the Job ends: the others are stopped, or never begin."
        ),
    }


def _annotations() -> dict[str, Value]:
    return {
        "cluster-autoscaler.kubernetes.io/safe-to-evict": Why(
            "false", "No autoscaler takes the node away to save money. A drain still does: then the next pod goes on."
        ),
        "karpenter.sh/do-not-disrupt": Why(
            "true",
            "In a mesh the proxy has to end with gate, or the Job never ends. Either as a native sidecar (1.29):\n"
            '   sidecar.istio.io/nativeSidecar: "true"\n'
            "   config.beta.linkerd.io/proxy-enable-native-sidecar: enabled\n"
            "or not at all, where the database is outside of the mesh: for Istio the label (not annotation)\n"
            '   sidecar.istio.io/inject: "false"\n'
            "and for Linkerd the annotation\n"
            "   linkerd.io/inject: disabled",
        ),
    }


def _pod(told: Told) -> dict[str, Value]:
    user: dict[str, Value] = {} if told.user is None else {"runAsUser": told.user, "runAsGroup": told.user}
    return {
        "serviceAccountName": told.job,
        "automountServiceAccountToken": told.asks_api,
        "restartPolicy": Why("Never", "A new pod each time, so that the log of each try is kept."),
        "terminationGracePeriodSeconds": Why(
            told.deadlines.pod_grace_s,
            f"SIGTERM, then so long until SIGKILL. gate needs {told.deadlines.grace_s} s of it (--grace): it cancels "
            "what runs, takes back what it half did, calls the hooks.",
        ),
        "securityContext": {
            "runAsNonRoot": True,
            **user,
            **_group(told),
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": Why([_container(told)], _PROXY),
        "volumes": [
            {"name": "tmp", "emptyDir": {"sizeLimit": "64Mi"}},
            *([_fleet_volume(told)] if told.fleet else []),
        ],
    }


_PROXY = (
    "A database proxy has to be a native sidecar (1.29), or it keeps the Job from ever ending:\n"
    "   initContainers:\n"
    "     - name: cloud-sql-proxy\n"
    "       image: gcr.io/cloud-sql-connectors/cloud-sql-proxy:2\n"
    '       args: ["--port=5432", "PROJECT:REGION:INSTANCE"]\n'
    "       restartPolicy: Always    # this makes it a sidecar: it is ended after gate, and does not count\n"
    "It must not pool: a release needs sessions of its own (PgBouncer in transaction mode is refused)."
)


def _container(told: Told) -> dict[str, Value]:
    times = told.deadlines
    command = [*told.command[:2], "--budget", written(times.budget_s), "--grace", written(times.grace_s)]
    if told.fleet:
        command += ["--fleet", f"dir:{FLEET_DIRECTORY}", "--at-once", str(AT_ONCE)]
        command += ["--only", told.fleet.canary] if told.is_canary and told.fleet.canary else []
    return {
        "name": CONTAINER,
        "image": Why(told.image, "The app's own, of this deploy: it has to hold the migrations, and gate."),
        "command": Why([*command, *told.source], "No shell: SIGTERM has to reach gate, which is process 1."),
        **_of_container(told),
    }


def _of_container(told: Told) -> dict[str, Value]:
    mounts: list[Value] = [Why({"name": "tmp", "mountPath": TMP}, "For hooks of your own; gate writes no file.")]
    if told.fleet:
        mounts.append({"name": "fleet", "mountPath": FLEET_DIRECTORY, "readOnly": True})
    return {
        "env": [*(_shards(told, told.fleet) if told.fleet else [database(told)]), *downward()],
        "resources": _resources("512Mi", "1Gi") if told.fleet else _resources("256Mi", "256Mi"),
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": mounts,
    }


def database(told: Told) -> Value:
    """The URL, as the app gets it. It stands in no manifest."""
    return {
        "name": "DATABASE_URL",
        "valueFrom": {"secretKeyRef": {"name": told.secret, "key": told.key}},
    }


def downward() -> list[Value]:
    """Who the pod is, for reports and hooks."""
    return [
        {"name": "POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
        {"name": "POD_NAMESPACE", "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}},
    ]


def _resources(memory: str, most: str) -> Value:
    return {
        "requests": {"cpu": "100m", "memory": memory},
        "limits": Why({"memory": most}, "No limit of CPU: a throttled gate notices late whom it keeps waiting."),
    }


def _shards(told: Told, fleet: Fleet) -> list[Value]:
    """An Indexed Job's pods are told by Kubernetes which share is theirs; the canary is told here, or by its name."""
    shards: dict[str, Value] = {"name": "GATE_FLEET_SHARDS", "value": str(fleet.shares)}
    if not told.is_canary:
        return [Why(shards, "Has to be completions: by its name alone each database falls to one share.")]
    if fleet.canary:
        return []
    return [
        Why({"name": "JOB_COMPLETION_INDEX", "value": "0"}, "The first share, as the Indexed Job has it."),
        shards,
    ]


def _group(told: Told) -> dict[str, Value]:
    if not told.fleet:
        return {}
    return {"fsGroup": Why(_FLEET_GROUP, "The URLs belong to root and to this group, which every user in here is of.")}


def _fleet_volume(told: Told) -> Value:
    return {
        "name": "fleet",
        "secret": {"secretName": told.secret, "defaultMode": Why(0o440, "0440, which JSON has no number for.")},
    }
