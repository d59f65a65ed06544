"""Starts gate from where a buildpack has put it: the packages beside this file, and nothing of the app's Python."""  # noqa: INP001 - a program

import os
import sys

sys.path.append(__file__.rpartition("/")[0] + "/packages")
# What the launcher has set for our own Python alone.
before = os.environ.pop("GATE_LIBRARY_PATH", None)
if before:
    os.environ["LD_LIBRARY_PATH"] = before
elif before is not None:
    os.environ.pop("LD_LIBRARY_PATH", None)

from gate.__main__ import main  # noqa: E402 - the path had to be made

main()
