"""What can keep a server from starting."""

from gate.model.errors import UsageError


class EmbeddedUnavailable(UsageError):
    """No binaries, no place for them, or a server that ends at once: the machine lacks something, not gate."""
