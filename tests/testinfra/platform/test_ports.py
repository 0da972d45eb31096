"""Every TCP port of the server: tried from outside and from a stranger's container, and in the server's own list."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

from testinfra.host import Host

if TYPE_CHECKING:
    from ..conftest import Platform

# The lab server's own: people reach their servers with SSH.
SSH = 22
PUBLISHED = {15000, 15001}
# What the services listen on inside their networks.
INSIDE = (3306, 33060, 5000, 5432, 9000, 9001, 15000, 15001, 15080)
# Prints which ports of which addresses take a connection.
SCAN = """
import json, socket, sys
from concurrent.futures import ThreadPoolExecutor

def is_open(place):
    try:
        socket.create_connection(place, 2).close()
    except OSError:
        return False
    return True

places = [(address, port) for address, ranges in json.loads(sys.argv[1]).items()
          for first, last in ranges for port in range(first, last + 1)]
with ThreadPoolExecutor(200) as pool:
    print(json.dumps([place for place, found in zip(places, pool.map(is_open, places)) if found]))
"""


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


def test_the_server_listens_for_virtual_hosts_only(server: Host) -> None:
    listening = [line.split()[3].rpartition(":") for line in server.check_output("ss -Hltn").splitlines()]
    open_to_others = {int(port) for address, _, port in listening if not address.startswith("127.")}
    assert open_to_others - {SSH} == PUBLISHED


def test_a_container_beside_ours_reaches_virtual_hosts_only(platform: Platform, server: Host) -> None:
    """A stranger's container on the engine's default network tries the server, and each of our containers."""
    bridge = json.loads(server.check_output("docker network inspect bridge"))[0]
    gateway = bridge["IPAM"]["Config"][0]["Gateway"]
    networks = [platform.container(service)["NetworkSettings"]["Networks"] for service in platform.services]
    inside = [network["IPAddress"] for found in networks for network in found.values()]
    assert len(inside) > len(platform.services), "nginx has two"
    wanted = {gateway: [(1, 65535)]} | {address: [(port, port) for port in INSIDE] for address in inside}
    image = platform.container("mlflow")["Config"]["Image"]
    command = "docker run --rm --network bridge --entrypoint python3 %s -c %s %s"
    found = json.loads(server.check_output(command, image, SCAN, json.dumps(wanted)))
    assert {(address, port) for address, port in found} - {(gateway, SSH)} == {(gateway, port) for port in PUBLISHED}
