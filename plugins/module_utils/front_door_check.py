# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks of what stands behind the virtual hosts, and who may come in. All of them are pure and return sentences."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

from ansible_collections.onprem.mlflow.plugins.module_utils.certificates import check_certificate
from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError
from ansible_collections.onprem.mlflow.plugins.module_utils.virtual_hosts import STORE_SERVICES, VirtualHost

Host = Mapping[str, Any]


def check_front_door(
    variable: str, virtual_hosts: Sequence[Host | None], login: str, store: str, server_address: str = ""
) -> list[str]:
    """Complain about virtual hosts that do not fit their service, each other, the login, the store or the server."""
    parsed = dict(_parsed(virtual_hosts))
    problems: list[str] = []
    for index, host in parsed.items():
        written = virtual_hosts[index] or {}
        path = f"{variable}[{index}]"
        problems += _check_service(path, written, host, login, store)
        problems += _check_allow(path, written.get("allow") or [])
        problems += _check_tls(path, written, host)
    problems += _check_ports(variable, parsed)
    if len(parsed) == len(virtual_hosts) > 0 and not problems:
        problems += _check_way_in(variable, virtual_hosts, parsed, server_address)
    return problems


def _check_way_in(
    variable: str, virtual_hosts: Sequence[Host | None], parsed: Mapping[int, VirtualHost], server_address: str
) -> Iterator[str]:
    """The platform tries itself: there is a virtual host for MLflow that lets it in."""
    allowed = {
        index: (virtual_hosts[index] or {}).get("allow") or []
        for index, host in parsed.items()
        if host.service == "mlflow"
    }
    if not allowed:
        yield f"{variable}: has no virtual host for MLflow, add one without a service."
    elif server_address and all(allowed.values()):
        index = min(allowed)
        address = ipaddress.ip_address(server_address)
        if not any(address in ipaddress.ip_network(str(network)) for network in allowed[index]):
            yield (
                f"{variable}[{index}].allow: does not hold {server_address}, the server's own address, from which the"
                " platform tries whether it works, add it."
            )


def _parsed(virtual_hosts: Sequence[Host | None]) -> Iterator[tuple[int, VirtualHost]]:
    """Pass over what cannot be a virtual host; it was complained about before."""
    for index, item in enumerate(virtual_hosts):
        if item is not None:
            try:
                yield index, VirtualHost.parse(item)
            except InputError:
                continue


def _check_service(path: str, written: Host, host: VirtualHost, login: str, store: str) -> Iterator[str]:
    users = written.get("users")
    if host.service == "mlflow":
        if login == "basic" and not users:
            yield f"{path}.users: is missing or empty, write who may log in."
        if login != "basic" and users:
            yield (
                f"{path}.users: nobody is asked for these passwords with mlflow_platform_login {login!r},"
                " remove them, or write basic."
            )
        return
    if host.service in STORE_SERVICES:
        yield from _check_store_service(path, users, host, store)


def _check_store_service(path: str, users: object, host: VirtualHost, store: str) -> Iterator[str]:
    if store != "rustfs":
        yield (
            f"{path}.service: found {host.service!r}, but with mlflow_platform_artifact_store {store!r} there is no"
            " RustFS, remove this virtual host."
        )
    if users:
        yield (
            f"{path}.users: RustFS asks for its own keys where service is {host.service!r}, in the header that these"
            " passwords need, remove them, and write allow to say from where it can be reached."
        )


def _check_allow(path: str, networks: Sequence[object]) -> Iterator[str]:
    for network in networks:
        try:
            ipaddress.ip_network(str(network))
        except ValueError:
            yield (
                f"{path}.allow: found {str(network)!r}, write an address or a network whose address is its first,"
                " such as 192.0.2.7 or 10.0.0.0/8."
            )


def _check_tls(path: str, written: Host, host: VirtualHost) -> Iterator[str]:
    pair = {name: written.get(name) for name in ("certificate", "certificate_key")}
    if host.tls == "provided":
        missing = [name for name, value in pair.items() if not value]
        for name in missing:
            yield f"{path}.{name}: is missing, write it in PEM form, or another tls than 'provided'."
        if not missing:
            texts = (str(pair["certificate"]), str(pair["certificate_key"]))
            yield from check_certificate(path, *texts, host.host_names, datetime.now(timezone.utc))
    else:
        for name in (name for name, value in pair.items() if value):
            yield f"{path}.{name}: is of no use with tls {host.tls!r}, remove it, or write tls: provided."
    # A proxy in front redirects by itself, and passes on what browsers are told.
    for name in {"off": ("redirect_from", "hsts_seconds"), "outside": ("redirect_from",)}.get(host.tls, ()):
        if written.get(name):
            yield f"{path}.{name}: is of no use without TLS, remove it, or write tls: self_signed, provided or acme."


def _check_ports(variable: str, hosts: Mapping[int, VirtualHost]) -> Iterator[str]:
    """A port is for TLS or not, and a name redirects from a port where nothing else answers to it."""
    encrypted = {host.port for host in hosts.values() if host.has_certificate}
    plain = {(name, host.port) for host in hosts.values() if not host.has_certificate for name in host.host_names}
    redirected: set[tuple[str, int]] = set()
    for index, host in hosts.items():
        if not host.has_certificate and host.port in encrypted:
            yield f"{variable}[{index}].port: found {host.port}, where another virtual host has TLS, write another."
        if host.redirect_from is None:
            continue
        if host.redirect_from in encrypted:
            yield (
                f"{variable}[{index}].redirect_from: found {host.redirect_from}, where a virtual host has TLS,"
                " write another port, such as 80."
            )
        pairs = {(name, host.redirect_from) for name in host.host_names}
        for name, port in sorted(pairs & (plain | redirected)):
            yield f"{variable}[{index}].redirect_from: {name} stands twice with port {port}, write another port."
        redirected |= pairs
