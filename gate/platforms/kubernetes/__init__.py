"""Kubernetes: rollouts, sizes and Jobs, as kubectl changes them, through the API server.

Only names stand here; what reaches for the network is imported when a hook is made.
"""
