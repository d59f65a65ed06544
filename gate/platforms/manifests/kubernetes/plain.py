"""Plain manifests, for kubectl: the Job is made anew with each deploy, and the Deployment follows it."""

from __future__ import annotations

from gate.platforms.manifests.kubernetes.deadlines import go_duration
from gate.platforms.manifests.kubernetes.job import canary, canary_name, job
from gate.platforms.manifests.kubernetes.rbac import account, binding, for_waiting, role
from gate.platforms.manifests.kubernetes.told import Told, canary_of, told
from gate.platforms.manifests.kubernetes.waiting import pod_spec
from gate.platforms.manifests.yaml import Value, documents
from gate.platforms.preset import File, Wish

_ACCOUNT = "Who gate is for the API server. Applied once: kubectl apply -f gate-rbac.yaml"
_JOB = (
    "gate before the deploy. Made anew each time, for a Job cannot be changed: kubectl delete job, then kubectl create."
)
_CANARY = "gate before the fleet: the others begin once this has ended well."
_PATCH = "For the app's own Deployment: kubectl patch deployment NAME --patch-file wait/patch.yaml, or by hand."


def files(wish: Wish) -> tuple[File, ...]:
    """Account and Role, Job, and what the Deployment is given."""
    found = told(wish)
    account = File(path="gate-rbac.yaml", text=documents(*belongings(found, {}), head=_ACCOUNT))
    made = File(path="gate-job.yaml", text=documents(job(found, {}), head=_JOB), then=_then(found, wish.directory))
    if found.fleet:
        first = File(path="gate-canary.yaml", text=documents(canary(found, {}), head=_CANARY), is_aside=True)
        return (account, first, made)
    return (account, made, File(path="wait/patch.yaml", text=documents(pod_spec(found), head=_PATCH), is_aside=True))


def belongings(found: Told, annotations: dict[str, Value]) -> list[dict[str, Value]]:
    """The account, and its Role where the API is asked."""
    made = [account(found, annotations)]
    if found.asks_api:
        made += [role(found, annotations), binding(found, annotations)]
    return made + (for_waiting(found, annotations) if found.app_account else [])


def secret_step(found: Told) -> str:
    """How the Secret is made that the pod reads."""
    if found.fleet:
        return (
            f"  a Secret {found.secret} with one key for each database, and its URL\n"
            f"    kubectl -n {found.namespace} create secret generic {found.secret} --from-file=DIRECTORY"
        )
    return (
        f"  a Secret {found.secret} with the database's own URL, no pooler's, under {found.key}\n"
        f"    kubectl -n {found.namespace} create secret generic {found.secret} --from-file={found.key}=FILE"
    )


def image_step(found: Told) -> str:
    """Empty where the image was told."""
    return "  the app's image where IMAGE stands (or --image)\n" if found.image == "IMAGE" else ""


def each_deploy(found: Told, make: str, make_canary: str) -> str:
    """The commands that make the Job anew, wait for it, and show what it said; of a fleet the canary's first."""
    if found.fleet is None:
        return _made_anew(found, f"{found.job}", make)
    first = _made_anew(canary_of(found), f"{canary_name(found)}", make_canary)
    return f"{first}\n{_made_anew(found, f'{found.job}', make)}"


def _made_anew(found: Told, name: str, make: str) -> str:
    """Since 1.31 FailureTarget and SuccessCriteriaMet go before Failed and Complete: the first condition tells."""
    space, wait = f"-n {found.namespace}", go_duration(found.deadlines.patience_s)
    return f"""\
  kubectl {space} delete job {name} --ignore-not-found --cascade=foreground --timeout=2m
  {make}
  kubectl {space} wait job/{name} --for=jsonpath='{{.status.conditions[0].type}}' --timeout={wait}
  kubectl {space} logs job/{name} --all-containers --tail=-1
  kubectl {space} wait job/{name} --for=condition=Complete --timeout=2m      # exit code 1: do not deploy\
"""


def _deployments(found: Told) -> str:
    return " and ".join(f"Deployment {name}" for name in found.deployments)


def _then(found: Told, at: str) -> str:
    waiting = (
        "" if found.fleet else f"  {at}wait/patch.yaml in the manifest of {_deployments(found)}: its pods then wait\n"
    )
    return f"""\
Once:
{image_step(found)}{secret_step(found)}
  kubectl apply -f {at}gate-rbac.yaml
{waiting}
Each deploy, before the Deployment:
{each_deploy(found, f"kubectl create -f {at}gate-job.yaml", f"kubectl create -f {at}gate-canary.yaml")}\
"""
