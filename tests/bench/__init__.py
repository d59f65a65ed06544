"""The figures: `bin/bench plan`. Goals are printed beside what was measured on this machine, today."""
