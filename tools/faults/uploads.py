"""Services that go while an artifact is on its way."""

from __future__ import annotations

from dataclasses import dataclass

from tools.faults.kills import Killed
from tools.faults.outages import Stopped
from tools.faults.server import Server

SIZE = 400 << 20


@dataclass(frozen=True)
class StoppedInAnUpload(Stopped):
    """Services that are stopped then."""

    def strike(self, server: Server) -> None:
        server.begin_upload(SIZE)
        super().strike(server)


@dataclass(frozen=True)
class KilledInAnUpload(Killed):
    """Services that are killed then."""

    def strike(self, server: Server) -> None:
        server.begin_upload(SIZE)
        super().strike(server)
