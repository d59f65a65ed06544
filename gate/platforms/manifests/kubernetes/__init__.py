"""A Job before the deploy, and what belongs to it: plain, for Helm, for Argo CD, for kustomize."""
