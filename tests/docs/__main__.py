"""`python -m tests.docs --write` writes the pages anew; without it, says which are stale."""

from __future__ import annotations

import sys

from tests.docs.pages import FOLDER, PAGES


def main() -> int:
    """0 if all pages are as the code says."""
    stale = [name for name, page in PAGES.items() if _text(name) != page()]
    if "--write" in sys.argv[1:]:
        FOLDER.mkdir(exist_ok=True)
        for name in stale:
            (FOLDER / name).write_text(PAGES[name](), encoding="utf-8")
        return 0
    for name in stale:
        print(f"docs/{name} is stale: python -m tests.docs --write", file=sys.stderr)
    return 1 if stale else 0


def _text(name: str) -> str:
    path = FOLDER / name
    return path.read_text(encoding="utf-8") if path.is_file() else ""


if __name__ == "__main__":
    sys.exit(main())
