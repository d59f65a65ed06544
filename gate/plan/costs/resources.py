"""What the server's settings allow: memory for sorts, workers, the cache.

Source: PostgreSQL 18 `plancat.c` and `planner.c` (compute_parallel_worker, plan_create_index_workers).
"""

from __future__ import annotations

import re

from gate.model.snapshot import Server

_UNITS = {"B": 1, "kB": 2**10, "MB": 2**20, "GB": 2**30, "TB": 2**40}
_PER_PARTICIPANT = 32 * 2**20


def setting_bytes(server: Server, name: str, otherwise: str) -> float:
    """A memory setting as `current_setting` gives it, such as `64MB`; without a unit it is kilobytes."""
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(B|kB|MB|GB|TB)?\s*", server.settings.get(name) or otherwise)
    if found is None:
        return setting_bytes(Server(major=server.major, version=""), name, otherwise)
    return float(found[1]) * _UNITS[found[2] or "kB"]


def _number(server: Server, name: str, otherwise: int) -> int:
    text = server.settings.get(name, "")
    return int(text) if text.isdigit() else otherwise


def sort_bytes(server: Server) -> float:
    """`maintenance_work_mem`."""
    return setting_bytes(server, "maintenance_work_mem", "64MB")


def shared_bytes(server: Server) -> float:
    """`shared_buffers`."""
    return setting_bytes(server, "shared_buffers", "128MB")


def workers_for(server: Server, heap_bytes: float, method: str, asked: int | None = None) -> int:
    """How many workers beside the leader an index build gets; `asked` is the table's own `parallel_workers`."""
    if method not in _PARALLEL_SINCE or server.major < _PARALLEL_SINCE[method]:
        return 0
    limit = min(
        _number(server, "max_parallel_maintenance_workers", 2),
        _number(server, "max_parallel_workers", 8),
        _number(server, "max_worker_processes", 8),
    )
    workers = _wanted(server, heap_bytes) if asked is None else asked
    workers = min(workers, limit)
    while workers and sort_bytes(server) / (workers + 1) < _PER_PARTICIPANT:
        workers -= 1
    return workers


_PARALLEL_SINCE = {"btree": 11, "brin": 17, "gin": 18}


def _wanted(server: Server, heap_bytes: float) -> int:
    """One for the smallest table that is worth it, one more each time it is three times as large."""
    threshold = max(setting_bytes(server, "min_parallel_table_scan_size", "8MB"), 1.0)
    workers = 0
    while heap_bytes >= threshold:
        workers += 1
        threshold *= 3
    return workers
