"""Which pod of an Indexed Job has which databases: by the name alone.

Pods start at different moments, and a pod that is retried starts later still; each reads the fleet by itself. By its
place in a list that has become longer meanwhile a database could fall to nobody, or to two. Its name does not change,
so that one more database moves none of the others.
"""

from __future__ import annotations

import hashlib


def shard_of(name: str, shards: int) -> int:
    """The index, from 0, of the pod that has the database of this name."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") % shards
