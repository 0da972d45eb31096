"""Disks that are full."""

from __future__ import annotations

from dataclasses import dataclass

from tools.faults.fault import Fault
from tools.faults.server import PROJECT, Server

SMALL = "/srv/faults-small-disk"
FILLER = "faults-filler"
ROOM_MIB = 96


@dataclass(frozen=True)
class DiskFull(Fault):
    """The disk of a service's data has no room left, until room is made."""

    service: str = ""
    folder: str = ""

    @property
    def place(self) -> str:
        return f"{PROJECT}/data/{self.folder}"

    def concerns(self, server: Server) -> bool:
        return server.sh(f"ls {PROJECT}/data").split().count(self.folder) == 1

    def prepare(self, server: Server) -> None:
        """Have the data on a small file system of their own, in memory."""
        server.sh(f"""
            docker stop mlflow-{self.service}-1
            mkdir {SMALL}
            mount -t tmpfs -o size=$(( $(du -sm {self.place} | cut -f1) + {ROOM_MIB} ))m small {SMALL}
            cp -a {self.place}/. {SMALL}/
            mount --bind {SMALL} {self.place}
            docker start mlflow-{self.service}-1
        """)

    def strike(self, server: Server) -> None:
        # Fails for want of room, which is what it is for.
        server.sh(f"! dd if=/dev/zero of={self.place}/{FILLER} bs=64k status=none")

    def relieve(self, server: Server) -> None:
        server.sh(f"rm {self.place}/{FILLER}")

    def tidy(self, server: Server) -> None:
        server.sh(f"""
            docker stop mlflow-{self.service}-1
            cp -a {SMALL} {self.place}.new
            umount {self.place}
            mv {self.place} {self.place}.old
            mv {self.place}.new {self.place}
            rm -r {self.place}.old
            umount {SMALL}
            rmdir {SMALL}
            docker start mlflow-{self.service}-1
        """)
