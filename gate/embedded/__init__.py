"""initdb and postgres as a context manager, for the demo and the tests: `with serve() as server: ...`.

Only binaries are used, never the server interface of a package that carries them: those leave servers behind when
their owner is killed, and change permissions and users of the machine when they run as root.
"""

from gate.embedded.binaries import Binaries, available, find
from gate.embedded.errors import EmbeddedUnavailable
from gate.embedded.server import Server, serve

__all__ = ["Binaries", "EmbeddedUnavailable", "Server", "available", "find", "serve"]
