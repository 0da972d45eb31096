"""Clocks that go wrong. The machine's own clock is left alone: libfaketime stands between a service and it."""

from __future__ import annotations

from dataclasses import dataclass

from tools.faults.fault import OfServices
from tools.faults.server import PROJECT, FaultError, Server

PLACE = "/srv/faults-clock"
LIBRARY = "/usr/lib/*/faketime/libfaketimeMT.so.1"
OVERRIDE = f"{PROJECT}/compose.override.yml"
# Timers that run go on: it is the time of day that jumps.
SERVICE = f"""\
  %s:
    environment:
      LD_PRELOAD: {PLACE}/libfaketimeMT.so.1
      FAKETIME_TIMESTAMP_FILE: {PLACE}/offset
      FAKETIME_CACHE_DURATION: "1"
      FAKETIME_DONT_FAKE_MONOTONIC: "1"
      DONT_FAKE_MONOTONIC: "1"
    volumes: ["{PLACE}:{PLACE}:ro"]
"""


@dataclass(frozen=True)
class ClockOff(OfServices):
    """Services whose clock is a day ahead of all others."""

    offset: str = "+1d"

    def prepare(self, server: Server) -> None:
        """Have the services ask libfaketime for the time, by a file of the operator's."""
        override = "services:\n" + "".join(SERVICE % service for service in self.services)
        server.sh(f"""
            export DEBIAN_FRONTEND=noninteractive
            ls {LIBRARY} || {{ apt-get -qq update; apt-get -qq install --yes libfaketime; }}
            test ! -e {OVERRIDE}
            mkdir --parents {PLACE}
            cp {LIBRARY} {PLACE}/
            echo +0 > {PLACE}/offset
            cat > {OVERRIDE} <<'END'
{override}
END
        """)
        server.compose("up", "--detach", "--wait", "--no-deps", *self.services)

    def strike(self, server: Server) -> None:
        server.sh(f"echo {self.offset} > {PLACE}/offset")
        for service in self.services:
            ahead = int(server.sh(f"sleep 2; docker exec mlflow-{service}-1 date +%s")) - int(server.sh("date +%s"))
            if abs(ahead - 86400) > 60:
                raise FaultError(f"{service}'s clock is {ahead} s ahead")

    def relieve(self, server: Server) -> None:
        server.sh(f"echo +0 > {PLACE}/offset")

    def tidy(self, server: Server) -> None:
        server.sh(f"rm {OVERRIDE}")
        server.compose("up", "--detach", "--wait", "--no-deps", *self.services)
        server.sh(f"rm -r {PLACE}")
