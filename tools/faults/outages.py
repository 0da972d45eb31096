"""Services that are there and do not answer, for a while."""

from __future__ import annotations

from dataclasses import dataclass

from tools.faults.fault import OfServices
from tools.faults.server import Server


def containers(services: tuple[str, ...]) -> str:
    return " ".join(f"mlflow-{service}-1" for service in services)


@dataclass(frozen=True)
class Stopped(OfServices):
    """Services that are stopped and started by hand."""

    def strike(self, server: Server) -> None:
        server.sh(f"docker stop {containers(self.services)}")

    def relieve(self, server: Server) -> None:
        server.sh(f"docker start {containers(self.services)}")


@dataclass(frozen=True)
class Frozen(OfServices):
    """Services that hang: they keep their connections and say nothing."""

    def strike(self, server: Server) -> None:
        server.sh(f"docker pause {containers(self.services)}")

    def relieve(self, server: Server) -> None:
        server.sh(f"docker unpause {containers(self.services)}")
