"""Every TCP port of the server, tried from outside."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from testinfra.host import Host

if TYPE_CHECKING:
    from ..conftest import Platform

# The lab server's own: people reach their servers with SSH.
SSH = 22
PUBLISHED = {15000, 15001}


async def open_ports(address: str, ports: range) -> set[int]:
    """Connect to all ports, many at a time."""
    places = asyncio.Semaphore(500)

    async def is_open(port: int) -> bool:
        async with places:
            try:
                _, writer = await asyncio.wait_for(asyncio.open_connection(address, port), 3)
            except (TimeoutError, OSError):
                return False
            writer.close()
            return True

    found = await asyncio.gather(*(is_open(port) for port in ports))
    return {port for port, answered in zip(ports, found, strict=True) if answered}


def test_only_virtual_hosts_listen(platform: Platform) -> None:
    found = asyncio.run(open_ports(platform.address, range(1, 65536)))
    assert found - {SSH} == PUBLISHED


def test_health_listens_on_loopback_only(server: Host) -> None:
    assert server.socket("tcp://127.0.0.1:15080").is_listening
    assert not server.socket("tcp://0.0.0.0:15080").is_listening
