"""Networks that are cut."""

from __future__ import annotations

from dataclasses import dataclass

from tools.faults.fault import OfServices
from tools.faults.server import Server

# In the service's own part of the network: packets vanish, and whoever waits for an answer goes on waiting.
RULE = "INPUT ! --in-interface lo --jump DROP"


@dataclass(frozen=True)
class Disconnected(OfServices):
    """A service that the engine takes off the network."""

    def strike(self, server: Server) -> None:
        for service in self.services:
            server.sh(f"docker network disconnect mlflow_back mlflow-{service}-1")

    def relieve(self, server: Server) -> None:
        for service in self.services:
            server.sh(f"docker network connect --alias {service} mlflow_back mlflow-{service}-1")


@dataclass(frozen=True)
class Dropped(OfServices):
    """Services that no packet reaches."""

    def strike(self, server: Server) -> None:
        for service in self.services:
            server.sh(f"nsenter --net --target {server.pid(service)} iptables --wait --insert {RULE}")

    def relieve(self, server: Server) -> None:
        for service in self.services:
            server.sh(f"nsenter --net --target {server.pid(service)} iptables --wait --delete {RULE}")
