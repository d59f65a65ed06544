"""Copies the Python that runs this into a directory, so that it can be run from wherever that directory is moved to.

bin/carry.py DIRECTORY. Its standard library comes along, without what a server has no use for, and without whatever
was installed beside it. A Python finds its library by where its own program lies.
"""  # noqa: INP001 - a program

import re
import shutil
import sys
import sysconfig
from pathlib import Path

NOT_NEEDED = (
    "__pycache__",
    "site-packages",
    "dist-packages",
    "config-*",
    "test",
    "tests",
    "idlelib",
    "tkinter",
    "turtledemo",
    "lib2to3",
    "ensurepip",
    "EXTERNALLY-MANAGED",
)


def main(place: Path) -> None:
    """The program as bin/python3, the library below lib, a shared libpython in a directory of its own."""
    program = Path(getattr(sys, "_base_executable", sys.executable)).resolve()
    (place / "bin").mkdir(parents=True)
    shutil.copy2(program, place / "bin" / "python3")
    library = Path(sysconfig.get_path("stdlib", vars={"installed_base": sys.base_prefix}))
    copied = place / sys.platlibdir / library.name
    ignored = shutil.ignore_patterns(*NOT_NEEDED)
    shutil.copytree(library, copied, ignore=ignored, ignore_dangling_symlinks=True)
    extensions = Path(sysconfig.get_config_var("DESTSHARED") or library / "lib-dynload")
    if extensions.is_dir() and not (copied / extensions.name).exists():
        shutil.copytree(extensions, copied / extensions.name)
    for shared in loaded_libpython():
        (place / "shared").mkdir(exist_ok=True)
        shutil.copy2(shared, place / "shared")


def loaded_libpython() -> set[Path]:
    """Whether a libpython is a file beside the program shows only in what this process has loaded."""
    maps = Path("/proc/self/maps")
    lines = maps.read_text(encoding="utf-8").splitlines() if maps.exists() else []
    found = (re.search(r"/\S*/libpython3[^/]*$", line) for line in lines)
    return {Path(match.group()) for match in found if match is not None}


if __name__ == "__main__":
    main(Path(sys.argv[1]))
