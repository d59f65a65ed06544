"""What a platform can tell about the code that is running: evidence for changes that span releases."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class OldCode:
    """Is code of an earlier release still running? `is_running` is None where the platform cannot say for sure.

    `current` is what the current release is: `v42, released 12 min ago`. `who` names each process that runs older code
    (`worker.1 runs v41`), `unknown` tells why it is not sure; each is a sentence for people.
    """

    is_running: bool | None
    current: str
    who: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
