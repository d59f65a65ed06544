"""The hash that places a row in a hash partition, for integer keys.

Source: PostgreSQL 18 `hashfn.c` (hash_bytes_uint32_extended), `hashfunc.c` (hashint4extended, hashint8extended),
`partbounds.c`
(compute_partition_hash_value), `hash_combine64`. The same on every major: stored partitions depend on it.
"""

from __future__ import annotations

from collections.abc import Iterable

_32, _64 = (1 << 32) - 1, (1 << 64) - 1
SEED = 0x7A5B22367996DCFD
"""HASH_PARTITION_SEED."""


def _turned(word: int, by: int) -> int:
    return ((word << by) | (word >> (32 - by))) & _32


def _hash32(word: int) -> int:
    """`mix` and `final` with their names turned on, one line of the source a turn."""
    start = (0x9E3779B9 + 4 + 3923095) & _32
    x, y, z = (start + (SEED >> 32)) & _32, start, (start + (SEED & _32)) & _32
    for by in (4, 6, 8, 16, 19, 4):
        x = ((x - y) & _32) ^ _turned(y, by)
        y = (y + z) & _32
        x, y, z = z, x, y
    x, y, z = y, z, (x + word) & _32
    for by in (14, 11, 25, 16, 4, 14, 24):
        x = ((x ^ y) - _turned(y, by)) & _32
        x, y, z = z, x, y
    return (z << 32) | y


def _hashed(value: int, *, is_long: bool) -> int:
    if not is_long:
        return _hash32(value & _32)
    high = (value >> 32) & _32
    return _hash32((value & _32) ^ (high if value >= 0 else ~high & _32))


def row_hash(keys: Iterable[tuple[int | None, bool]]) -> int:
    """(value or None for null, whether it is a bigint) of each key column."""
    total = 0
    for value, is_long in keys:
        if value is not None:
            more = _hashed(value, is_long=is_long) + 0x49A0F4DD15E5A8E3 + (total << 54) + (total >> 7)
            total ^= more & _64
    return total
