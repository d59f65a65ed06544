"""One file per platform, each with its `PRESET`."""
