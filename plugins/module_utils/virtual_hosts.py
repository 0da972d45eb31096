# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Virtual hosts of the proxy, and what MLflow's Host and Origin checks must know of them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError

# Inside the platform MLflow is asked under these names: by the proxy's own checks and by the container's health check.
INTERNAL_HOSTS = ("mlflow:5000", "localhost:*", "127.0.0.1:*")

_HOST_NAME = re.compile(r"(\*\.)?[A-Za-z0-9_]([A-Za-z0-9._-]*[A-Za-z0-9_])?")
_IPV6 = re.compile(r"\[[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*\]")


@dataclass(frozen=True)
class VirtualHost:
    """One virtual host: the names it answers to and the port it listens on."""

    host_names: tuple[str, ...]
    port: int
    tls: bool

    @classmethod
    def parse(cls, value: object) -> VirtualHost:
        """Check one entry of the list of virtual hosts."""
        if not isinstance(value, Mapping):
            raise InputError(f"A virtual host is a dict with host_names and port, not a {type(value).__name__}.")
        names = value.get("host_names")
        if isinstance(names, str) or not isinstance(names, Sequence) or not names:
            raise InputError(
                "host_names of a virtual host is a list of at least one name, such as [mlflow.example.org]."
            )
        for name in names:
            if not is_host_name(name):
                raise InputError(f"{name!r} in host_names is not a host name, write one without scheme, port and path.")
        port = parse_port(value.get("port"))
        if port is None:
            raise InputError(f"port of a virtual host is {value.get('port')!r}, write a number from 1 to 65535.")
        return cls(tuple(str(name).lower() for name in names), port, bool(value.get("tls", False)))


def is_host_name(name: object) -> bool:
    """Tell whether `name` can stand in a Host header, with `*.` allowed in front."""
    return isinstance(name, str) and bool(_HOST_NAME.fullmatch(name) or _IPV6.fullmatch(name))


def parse_port(value: object) -> int | None:
    """Return the TCP port that `value` means, or None where it means none."""
    text = str(value)
    if isinstance(value, (bool, float)) or not (text.isascii() and text.isdigit()):
        return None
    return int(text) if 1 <= int(text) <= 65535 else None


def parse_virtual_hosts(values: object) -> list[VirtualHost]:
    """Check the list of virtual hosts."""
    if isinstance(values, (str, Mapping)) or not isinstance(values, Sequence):
        raise InputError(f"The virtual hosts are a list of dicts, not a {type(values).__name__}.")
    return [VirtualHost.parse(value) for value in values]


def allowed_hosts(values: object, internal: Sequence[str] = INTERNAL_HOSTS) -> list[str]:
    """List the Host headers that MLflow has to accept, for MLFLOW_SERVER_ALLOWED_HOSTS.

    MLflow compares the whole header: a client on a default port sends the bare name, any other sends name:port.
    """
    hosts: list[str] = []
    for virtual_host in parse_virtual_hosts(values):
        for name in virtual_host.host_names:
            hosts += [name, f"{name}:{virtual_host.port}"]
    return list(dict.fromkeys([*hosts, *internal]))


def cors_origins(values: object) -> list[str]:
    """List the origins that browsers will send, for MLFLOW_SERVER_CORS_ALLOWED_ORIGINS."""
    origins: list[str] = []
    for virtual_host in parse_virtual_hosts(values):
        scheme, default_port = ("https", 443) if virtual_host.tls else ("http", 80)
        port = "" if virtual_host.port == default_port else f":{virtual_host.port}"
        origins += [f"{scheme}://{name}{port}" for name in virtual_host.host_names]
    return list(dict.fromkeys(origins))
