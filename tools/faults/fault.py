"""What a fault is made of."""

from __future__ import annotations

from dataclasses import dataclass

from tools.faults.server import Server


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong, and how long the platform may take once the cause is gone.

    `lasts` is how many seconds the cause is there; `strike` makes it, `relieve` takes it away. `prepare` and `tidy` are
    done while everything works, and what they take is not counted.
    """

    name: str
    title: str
    within: int
    lasts: float = 0

    def concerns(self, server: Server) -> bool:
        """Tell whether the server has what fails."""
        return True

    def prepare(self, server: Server) -> None:
        """Make ready."""

    def strike(self, server: Server) -> None:
        """Make the fault."""
        raise NotImplementedError

    def relieve(self, server: Server) -> None:
        """Take its cause away, where that does not go by itself."""

    def tidy(self, server: Server) -> None:
        """Leave the server as it was."""


@dataclass(frozen=True)
class OfServices(Fault):
    """A fault of some services."""

    services: tuple[str, ...] = ()

    def concerns(self, server: Server) -> bool:
        return set(self.services) <= set(server.services)
