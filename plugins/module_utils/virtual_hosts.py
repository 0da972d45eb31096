# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Virtual hosts of the proxy, and what MLflow's Host and Origin checks must know of them."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError

# Inside the platform MLflow is asked under these names: by the proxy's own checks and by the container's health check.
INTERNAL_HOSTS = ("mlflow:5000", "localhost:*", "127.0.0.1:*")

# What can be behind a virtual host, and where its certificate can come from.
SERVICES = ("mlflow", "console", "s3", "prometheus", "grafana")
# Those of the object store, which ask for keys of their own.
STORE_SERVICES = ("console", "s3")
TLS = ("off", "self_signed", "provided", "acme", "outside")
LOGINS = ("basic", "mlflow", "anybody_may_do_everything")

_HOST_NAME = re.compile(r"(\*\.)?[A-Za-z0-9_]([A-Za-z0-9._-]*[A-Za-z0-9_])?")
_IPV6 = re.compile(r"\[[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*\]")


@dataclass(frozen=True)
class VirtualHost:
    """One virtual host: the names it answers to, the port it listens on, and what is behind it."""

    host_names: tuple[str, ...]
    port: int
    tls: str = "off"
    service: str = "mlflow"
    redirect_from: int | None = None

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
        redirect_from = None
        if value.get("redirect_from") is not None:
            redirect_from = parse_port(value["redirect_from"])
            if redirect_from is None:
                raise InputError(
                    f"redirect_from of a virtual host is {value['redirect_from']!r}, write a port such as 80."
                )
        tls = _choice(value, "tls", TLS)
        return cls(
            tuple(str(name).lower() for name in names), port, tls, _choice(value, "service", SERVICES), redirect_from
        )

    @property
    def has_certificate(self) -> bool:
        """Tell whether the proxy itself speaks TLS."""
        return self.tls in ("self_signed", "provided", "acme")

    @property
    def scheme(self) -> str:
        """The scheme of its addresses."""
        return "http" if self.tls == "off" else "https"

    @property
    def origins(self) -> list[str]:
        """What browsers send as Origin: a scheme's default port is left out."""
        port = "" if self.port == (80 if self.tls == "off" else 443) else f":{self.port}"
        return [f"{self.scheme}://{name}{port}" for name in self.host_names]


def _choice(value: Mapping[str, Any], key: str, choices: Sequence[str]) -> str:
    """Return one of the choices, the first where none is written."""
    found = value.get(key)
    # YAML reads a bare `off` as false.
    if found is None or (found is False and choices[0] == "off"):
        return choices[0]
    if found not in choices:
        raise InputError(f"{key} of a virtual host is {found!r}, write one of: {', '.join(choices)}.")
    return str(found)


def address_of(name: str) -> str | None:
    """Return the IP address that a host name is, or None; clients do not send it when they ask for a certificate."""
    try:
        return str(ipaddress.ip_address(name.strip("[]")))
    except ValueError:
        return None


def subject_alt_name(name: str) -> str:
    """Return how a certificate names a host."""
    address = address_of(name)
    return f"IP:{address}" if address else f"DNS:{name}"


def file_of_certificate(host_name: str) -> str:
    """Return the name that lego gives the files of a certificate whose first domain is `host_name`."""
    return (address_of(host_name) or host_name).lower().replace(":", "-").replace("*", "_")


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
    for virtual_host in _of_mlflow(values):
        for name in virtual_host.host_names:
            hosts += [name, f"{name}:{virtual_host.port}"]
    return list(dict.fromkeys([*hosts, *internal]))


def cors_origins(values: object) -> list[str]:
    """List the origins that browsers will send, for MLFLOW_SERVER_CORS_ALLOWED_ORIGINS."""
    return list(dict.fromkeys(origin for virtual_host in _of_mlflow(values) for origin in virtual_host.origins))


def _of_mlflow(values: object) -> list[VirtualHost]:
    return [virtual_host for virtual_host in parse_virtual_hosts(values) if virtual_host.service == "mlflow"]


def complete(values: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the virtual hosts as they were written, with everything that can be left out filled in."""
    return [
        {
            "users": [],
            "allow": [],
            **value,
            "hsts_seconds": int(value.get("hsts_seconds") or 0),
            "port": parsed.port,
            "tls": parsed.tls,
            "service": parsed.service,
            "redirect_from": parsed.redirect_from,
            "url": parsed.origins[0],
            "has_address": any(address_of(name) for name in parsed.host_names),
            "subject_alt_names": [subject_alt_name(name) for name in parsed.host_names],
            # Of its files; the names are legal in a path.
            "file": f"{value['host_names'][0]}_{parsed.port}",
            "acme_file": file_of_certificate(parsed.host_names[0]),
        }
        for value, parsed in zip(values, parse_virtual_hosts(values))
    ]
