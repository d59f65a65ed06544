"""A kustomization of its own, applied before the app's, and a component that has the app's pods wait.

Source: https://kubectl.docs.kubernetes.io/references/kustomize/; kustomize takes no generateName, and applies all at
once, so that the Job cannot stand among the app's own resources.
"""

from __future__ import annotations

from dataclasses import replace

from gate.platforms.manifests.kubernetes.job import canary, job
from gate.platforms.manifests.kubernetes.plain import belongings, each_deploy, secret_step
from gate.platforms.manifests.kubernetes.told import Told, told
from gate.platforms.manifests.kubernetes.waiting import pod_spec
from gate.platforms.manifests.yaml import Block, Value, Why, document, documents
from gate.platforms.preset import File, Wish


def files(wish: Wish) -> tuple[File, ...]:
    """`job` is applied first, `wait` is a component for the app's overlay."""
    found = told(wish)
    if wish.image is None:
        found = replace(found, image=found.name)
    account = documents(*belongings(found, {}))
    head = "gate before the deploy, applied by itself before the app: what is applied together has no order."
    whole = documents(_kustomization(found), head=head)
    made = (
        File(path="job/kustomization.yaml", text=whole, then=_then(found, wish.directory)),
        File(path="job/rbac.yaml", text=account),
        File(path="job/job.yaml", text=documents(job(found, {}))),
    )
    if not found.fleet:
        return (*made, File(path="wait/kustomization.yaml", text=documents(_component(found)), is_aside=True))
    return (
        File(path="canary/kustomization.yaml", text=whole, is_aside=True),
        File(path="canary/rbac.yaml", text=account, is_aside=True),
        File(path="canary/job.yaml", text=documents(canary(found, {})), is_aside=True),
        *made,
    )


def _kustomization(found: Told) -> dict[str, Value]:
    return {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "namespace": found.namespace,
        "resources": Why(
            ["rbac.yaml", "job.yaml"],
            "The image of this deploy, in here or in an overlay:\n"
            "   images:\n"
            f"     - name: {untagged(found)}\n"
            "       newName: registry.example.com/app\n"
            "       newTag: 1.2.3",
        ),
    }


def _component(found: Told) -> dict[str, Value]:
    patches: list[Value] = []
    for name in found.deployments:
        patch: dict[str, Value] = {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": name},
            **pod_spec(found),
        }
        patches.append({"target": {"kind": "Deployment", "name": name}, "patch": Block(document(patch))})
    return {
        "apiVersion": "kustomize.config.k8s.io/v1alpha1",
        "kind": Why("Component", "In the app's overlay: components: [../wait]. Its pods then wait for the schema."),
        "patches": patches,
    }


def untagged(found: Told) -> str:
    """As kustomize finds it: without a digest, and without what follows the last colon of its last part."""
    image = str(found.image).partition("@")[0]
    registry, slash, last = image.rpartition("/")
    return f"{registry}{slash}{last.partition(':')[0]}"


def _then(found: Told, at: str) -> str:
    waiting, canary_image = "", ""
    if found.fleet:
        canary_image = f"  (cd {at}canary && kustomize edit set image {untagged(found)}=IMAGE)\n"
    else:
        waiting = (
            f"  {at}wait among the components of the app's kustomization: its pods wait for the schema, whatever "
            "becomes of the Job\n"
        )
    return f"""\
Once:
{secret_step(found)}
{waiting}
Each deploy, before the app's own kustomization:
{canary_image}  (cd {at}job && kustomize edit set image {untagged(found)}=IMAGE)
{each_deploy(found, f"kubectl apply -k {at}job", f"kubectl apply -k {at}canary")}\
"""
