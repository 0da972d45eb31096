"""Folders whose files are gone."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass

from tools.faults.fault import OfServices
from tools.faults.server import PROJECT, FaultError, Server

AWAY = f"{PROJECT}/secrets.away"
REFUSED = "is missing, and the data in"


@dataclass(frozen=True)
class Emptied(OfServices):
    """The configuration is gone while everything runs, and a run of site.yml brings it back."""

    def strike(self, server: Server) -> None:
        server.sh(f"find {PROJECT}/config -mindepth 1 -delete")

    def relieve(self, server: Server) -> None:
        server.site()


@dataclass(frozen=True)
class EmptiedAndRestarted(Emptied):
    """The same, noticed when services are restarted and do not come up."""

    def strike(self, server: Server) -> None:
        super().strike(server)
        for service in self.services:
            words = ["docker", "exec", server.machine, "docker", "restart", f"mlflow-{service}-1"]
            subprocess.run(words, capture_output=True, check=False)
        if not server.unhealthy():
            raise FaultError("All services are healthy without their configuration.")


@dataclass(frozen=True)
class SecretsGone(OfServices):
    """The secrets are gone: a run makes no others, which the data would not know, and they are put back by hand."""

    def strike(self, server: Server) -> None:
        server.sh(f"mv {PROJECT}/secrets {AWAY}; mkdir --mode=0711 {PROJECT}/secrets")
        try:
            server.site()
        except FaultError as exc:
            if REFUSED not in " ".join(str(exc).split()):
                raise
        else:
            raise FaultError("site.yml makes other secrets than the data were made with.")

    def relieve(self, server: Server) -> None:
        server.sh(f"rmdir {PROJECT}/secrets; mv {AWAY} {PROJECT}/secrets")
