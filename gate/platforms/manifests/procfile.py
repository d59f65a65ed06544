"""A Procfile: one process type a line. A line is added to one that is there, and the others are left as they are.

Source: https://devcenter.heroku.com/articles/procfile; each line is `<process type>: <command>`.
"""

from __future__ import annotations

import re

from gate.platforms.preset import File, Merged

PATH = "Procfile"


def process(kind: str, command: str, *, then: str) -> File:
    """The file with that line; another line of that process type is somebody's own command, and is not lost unasked."""
    return File(path=PATH, text=f"{kind}: {command}\n", then=then, into=lambda there: _into(there, kind, command))


def _into(there: str, kind: str, command: str) -> Merged:
    """With the line ends that the file has."""
    end = "\r\n" if "\r\n" in there else "\n"
    ours = re.compile(rf"^{re.escape(kind)}[ \t]*:[ \t]*(.*?)[ \t]*$")
    lines = there.splitlines()
    found = [place for place, text in enumerate(lines) if ours.match(text)]
    commands = [match.group(1) for place in found if (match := ours.match(lines[place]))]
    if commands == [command]:
        return Merged(text=there)
    if not found:
        gap = "" if not there or there.endswith("\n") else end
        return Merged(text=f"{there}{gap}{kind}: {command}{end}")
    # The one that counts is not for us to guess: all of them go, and ours stands where the first was.
    kept = [text for place, text in enumerate(lines) if place not in found]
    kept.insert(found[0], f"{kind}: {command}")
    lost = ", ".join(f"`{kind}: {each}`" for each in commands if each != command) or f"a second {kind} line"
    return Merged(text=end.join([*kept, ""]), loses=f"its {lost}")
