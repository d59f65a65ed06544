"""A kustomization of its own, applied before the app's, and a component that has the app's pods wait.

Source: https://kubectl.docs.kubernetes.io/references/kustomize/; kustomize takes no generateName, and applies all at
once, so that the Job cannot stand among the app's own resources.
"""

from __future__ import annotations

from dataclasses import replace

from gate.platforms.manifests.kubernetes.deadlines import go_duration
from gate.platforms.manifests.kubernetes.job import job
from gate.platforms.manifests.kubernetes.plain import belongings, secret_step
from gate.platforms.manifests.kubernetes.told import Told, told
from gate.platforms.manifests.kubernetes.waiting import pod_spec
from gate.platforms.manifests.yaml import Block, Value, Why, document, documents
from gate.platforms.preset import File, Wish


def files(wish: Wish) -> tuple[File, ...]:
    """`job` is applied first, `wait` is a component for the app's overlay."""
    found = told(wish)
    if wish.image is None:
        found = replace(found, image=found.name)
    head = "gate before the deploy, applied by itself before the app: what is applied together has no order."
    return (
        File(
            path="job/kustomization.yaml",
            text=documents(_kustomization(found), head=head),
            then=_then(found, wish.directory),
        ),
        File(path="job/rbac.yaml", text=documents(*belongings(found, {}))),
        File(path="job/job.yaml", text=documents(job(found, {}))),
        File(path="wait/kustomization.yaml", text=documents(_component(found)), is_aside=True),
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
            f"     - name: {found.image}\n"
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


def _then(found: Told, at: str) -> str:
    name, space, wait = found.job, f"-n {found.namespace}", go_duration(found.deadlines.patience_s)
    return f"""\
Once:
{secret_step(found)}
  {at}wait among the components of the app's kustomization: its pods wait for the schema, whatever becomes of the Job

Each deploy, before the app's own kustomization:
  (cd {at}job && kustomize edit set image {found.image}=IMAGE)
  kubectl {space} delete job {name} --ignore-not-found --cascade=foreground --timeout=2m
  kubectl apply -k {at}job
  kubectl {space} wait job/{name} --for=jsonpath='{{.status.conditions[*].type}}' --timeout={wait}
  kubectl {space} logs job/{name} --all-containers --tail=-1
  kubectl {space} wait job/{name} --for=condition=Complete --timeout=2m      # exit code 1: do not deploy\
"""
