"""What `gate init kubernetes`, `helm`, `argocd`, `kustomize` take as NAME=VALUE. Imported at each start: only names."""

from __future__ import annotations

from collections.abc import Mapping

BUDGET_S = 900.0
OPTIONS: Mapping[str, str] = {
    "secret": "the Secret that holds the database's URL; NAME-database unless told",
    "key": "its key in there; DATABASE_URL unless told",
    "hooks": "hooks of gate.toml that may act there, by commas: rollout_undo, scale, pause, delete_job, suspend_job",
    "api": "no, for a pod without a token: gate then cannot tell whether old code is still running",
    "app-account": "the app's service account, if its `gate wait` is to name a Job that has failed",
    "user": "the user id in the container, or image for the image's own; 65532 unless told",
    "kubernetes": "the oldest version that it is to work on; 1.29 unless told, 1.25 at least",
}
FLEET_OPTIONS: Mapping[str, str] = {
    "parallel": "with --fleet: how many shares at a time; 4 unless told",
    "failures": "with --fleet: how many shares may fail before the others are stopped; 0 unless told",
    "canary": "with --fleet: the database that is released first, by itself; the first share unless told",
    "largest": "with --fleet: how many databases the largest share holds, for the deadlines; 8 unless told",
}
DEPLOYMENT_OPTIONS: Mapping[str, str] = {
    "deployment": "the app's Deployments, whose pods are to wait, apart by commas; NAME unless told",
}
HELM_OPTIONS: Mapping[str, str] = {
    "install": "before, where the Secret is there before the chart's first install; after unless told",
}
