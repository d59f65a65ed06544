"""The pure pipeline: read the statements, fold the snapshot forward through them, derive, judge."""
