"""Processes that end without a warning."""

from __future__ import annotations

from dataclasses import dataclass

from tools.faults.fault import Fault, OfServices
from tools.faults.server import FaultError, Server

WORKER = "multiprocessing.spawn import spawn_main"


@dataclass(frozen=True)
class Killed(OfServices):
    """Services whose main process is killed."""

    def strike(self, server: Server) -> None:
        server.kill([server.pid(service) for service in self.services])


@dataclass(frozen=True)
class AllKilled(Fault):
    """All services at once."""

    def strike(self, server: Server) -> None:
        server.kill([server.pid(service) for service in server.services])


@dataclass(frozen=True)
class WorkerKilled(Fault):
    """One of MLflow's server processes, of which the others know nothing."""

    def strike(self, server: Server) -> None:
        lines = server.sh("docker top mlflow-mlflow-1 -eo pid,args").splitlines()
        workers = [int(line.split()[0]) for line in lines if WORKER in line]
        if not workers:
            raise FaultError("MLflow has no worker:\n" + "\n".join(lines))
        server.kill(workers[:1])


@dataclass(frozen=True)
class EngineRestarted(Fault):
    """The engine, as an upgrade of its package restarts it."""

    def strike(self, server: Server) -> None:
        server.sh("systemctl restart docker.service")


@dataclass(frozen=True)
class EngineKilled(Fault):
    """The engine, which systemd starts again."""

    def strike(self, server: Server) -> None:
        server.sh("systemctl kill --signal=KILL docker.service")


@dataclass(frozen=True)
class ServerRestarted(Fault):
    """The server, which ends its services first."""

    def strike(self, server: Server) -> None:
        server.machine_do("restart")


@dataclass(frozen=True)
class ServerKilled(Fault):
    """All processes of the server at once, as if its power were cut; what was in the kernel's cache stays."""

    def strike(self, server: Server) -> None:
        server.machine_do("kill")

    def relieve(self, server: Server) -> None:
        server.machine_do("start")
