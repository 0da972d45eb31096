# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a server must offer before anything is changed on it: free ports, room on disk, reachable addresses."""

from __future__ import annotations

import ipaddress
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Union

from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError

Address = Union[ipaddress.IPv4Address, ipaddress.IPv6Address]

LISTEN_STATE = "0A"
# What `docker ps` is asked to print, one container a line.
DOCKER_PS_FORMAT = (
    '{{.ID}}\t{{.Names}}\t{{.Label "com.docker.compose.project"}}\t{{.Label "com.docker.compose.service"}}\t{{.Ports}}'
)

_CONTAINER_ID = re.compile(r"[0-9a-f]{64}")
_LOGIN = re.compile(r"(?<=//)[^/]*@")
_PUBLISHED = re.compile(r"(?P<address>\S+):(?P<first>\d+)(?:-(?P<last>\d+))?->\S+/tcp")


@dataclass(frozen=True)
class Listener:
    """A listening TCP socket of this server."""

    address: Address
    port: int
    inode: int


@dataclass(frozen=True)
class Process:
    """Who holds a socket, and in which containers it runs."""

    pid: int
    name: str
    container_ids: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Container:
    """A running container and the addresses it publishes."""

    container_id: str
    name: str
    project: str
    service: str
    published: tuple[tuple[Address, int], ...]


@dataclass(frozen=True)
class WantedPort:
    """A port that the platform is going to listen on."""

    port: int
    address: Address
    variable: str
    project: str = ""

    @classmethod
    def parse(cls, port: int, address: str, variable: str, project: str = "") -> WantedPort:
        """Check a wanted port."""
        if not 1 <= port <= 65535:
            raise InputError(f"{variable}: found {port}, write a port from 1 to 65535.")
        try:
            return cls(port, ipaddress.ip_address(address), variable, project)
        except ValueError:
            raise InputError(f"{variable}: found {address!r}, write an IP address of this server.") from None


def parse_proc_net_tcp(text: str, byte_order: str = sys.byteorder) -> list[Listener]:
    """Read the listening sockets of /proc/net/tcp or /proc/net/tcp6."""
    listeners = []
    for line in text.splitlines()[1:]:
        fields = line.split()
        if len(fields) > 9 and fields[3] == LISTEN_STATE:
            address, _, port = fields[1].partition(":")
            listeners.append(Listener(_kernel_address(address, byte_order), int(port, 16), int(fields[9])))
    return listeners


def _kernel_address(text: str, byte_order: str) -> Address:
    # The kernel prints words of 32 bits in the order of the processor.
    raw = bytes.fromhex(text)
    if byte_order == "little":
        raw = b"".join(raw[start : start + 4][::-1] for start in range(0, len(raw), 4))
    address = ipaddress.ip_address(raw)
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        return address.ipv4_mapped
    return address


def parse_docker_ps(text: str) -> list[Container]:
    """Read what `docker ps --no-trunc --format DOCKER_PS_FORMAT` printed."""
    containers = []
    for line in text.splitlines():
        if line.count("\t") == 4:
            container_id, name, project, service, ports = line.split("\t")
            containers.append(Container(container_id, name, project, service, tuple(_published(ports))))
    return containers


def _published(ports: str) -> Iterator[tuple[Address, int]]:
    for item in ports.split(", "):
        match = _PUBLISHED.fullmatch(item)
        if match:
            address = ipaddress.ip_address(match["address"].strip("[]"))
            for port in range(int(match["first"]), int(match["last"] or match["first"]) + 1):
                yield address, port


def collide(wanted: Address, taken: Address) -> bool:
    """Tell whether one address of a port cannot be listened on while the other is."""
    if wanted == taken or wanted.is_unspecified:
        return True
    # A socket on :: takes IPv4 too, one on 0.0.0.0 only IPv4.
    return taken.is_unspecified and (taken.version == 6 or wanted.version == 4)


def port_problem(
    wanted: WantedPort,
    listeners: Iterable[Listener],
    containers: Sequence[Container],
    owner_of: Callable[[int], Process | None],
) -> str | None:
    """Return a sentence where something other than the wanted compose project holds the port."""
    own = [item for item in containers if wanted.project and item.project == wanted.project]
    for container in containers:
        if container not in own and any(_takes(wanted, *published) for published in container.published):
            return _taken(wanted, f"container {container.name}")
    own_ids = {item.container_id for item in own}
    own_published = {published for item in own for published in item.published}
    for listener in listeners:
        # What a container publishes is held by the engine's own process, outside of the container.
        if (listener.address, listener.port) in own_published or not _takes(wanted, listener.address, listener.port):
            continue
        process = owner_of(listener.inode)
        if process is None:
            return _taken(wanted, "a process that cannot be seen from here")
        if own_ids.isdisjoint(process.container_ids):
            return _taken(wanted, f"{process.name} (process {process.pid})")
    return None


def _takes(wanted: WantedPort, address: Address, port: int) -> bool:
    return port == wanted.port and collide(wanted.address, address)


def _taken(wanted: WantedPort, holder: str) -> str:
    return f"{wanted.variable}: port {wanted.port} is in use by {holder}, write another port or stop it."


def socket_owners(inodes: Iterable[int], proc: Path = Path("/proc")) -> dict[int, Process]:
    """Find the processes that hold the sockets, as far as this user may see them."""
    missing = {f"socket:[{inode}]": inode for inode in inodes}
    owners: dict[int, Process] = {}
    for folder in proc.iterdir():
        if not missing:
            break
        if not folder.name.isdigit():
            continue
        for target in _descriptors(folder):
            inode = missing.pop(target, None)
            if inode is not None:
                owners[inode] = _describe_process(folder)
    return owners


def _descriptors(process: Path) -> list[str]:
    targets = []
    try:
        for descriptor in (process / "fd").iterdir():
            try:
                targets.append(str(descriptor.readlink()))
            except OSError:
                # Closed meanwhile.
                continue
    except OSError:
        # Ended meanwhile, or another user's.
        return []
    return targets


def _describe_process(process: Path) -> Process:
    try:
        name = (process / "comm").read_text().strip()
        groups = (process / "cgroup").read_text()
    except OSError:
        name, groups = "a process", ""
    return Process(int(process.name), name, frozenset(_CONTAINER_ID.findall(groups)))


def nearest_existing(path: Path) -> Path:
    """Return the path itself or the nearest folder above it that is there."""
    for candidate in (path, *path.parents):
        if candidate.exists():
            return candidate
    return Path("/")


def disk_problem(path: str, free_bytes: int, min_free_bytes: int, variable: str) -> str | None:
    """Return a sentence where too little room is left."""
    if free_bytes >= min_free_bytes:
        return None
    return (
        f"{variable}: {path} has {_gib(free_bytes)} GiB free and {_gib(min_free_bytes)} GiB are wanted,"
        " make room on its disk or change this option."
    )


def _gib(number: int) -> str:
    return f"{number / 2**30:.1f}"


def url_problem(url: str, reason: str, variable: str) -> str:
    """Return the sentence for an address that does not answer."""
    reason = reason.strip().rstrip(".")
    return (
        f"{variable}: {without_login(url)} does not answer from this server ({reason}),"
        " correct the address or open the way to it."
    )


def untrusted_problem(url: str, reason: str, variable: str, ca_variable: str) -> str:
    """Return the sentence for an address whose certificate the server does not trust."""
    reason = reason.strip().rstrip(".")
    return (
        f"{variable}: {without_login(url)} shows a certificate that this server does not trust ({reason}),"
        f" write that of its authority in {ca_variable}."
    )


def without_login(url: str) -> str:
    """Return the URL without the user and password it may hold."""
    return _LOGIN.sub("", url)


def distribution_problem(name: str, version: str, supported: Mapping[str, Sequence[object]]) -> str | None:
    """Return a sentence where the distribution is not one that the platform is made for."""
    known = {key.lower(): [str(item) for item in versions] for key, versions in supported.items()}
    wanted = known.get(name.lower(), [])
    if any(version == item or version.startswith(f"{item}.") for item in wanted):
        return None
    offer = ", ".join(f"{key} {' or '.join(versions)}" for key, versions in sorted(known.items()))
    return f"This server runs {name} {version}, which is not supported; take a server with one of: {offer}."
