# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks of what stands behind the virtual hosts, and who may come in. All of them are pure and return sentences."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError
from ansible_collections.onprem.mlflow.plugins.module_utils.virtual_hosts import VirtualHost

Host = Mapping[str, Any]


def check_front_door(variable: str, virtual_hosts: Sequence[Host | None], login: str, store: str) -> list[str]:
    """Complain about virtual hosts that do not fit their service, each other, the login or the store."""
    parsed = dict(_parsed(virtual_hosts))
    problems = []
    for index, host in parsed.items():
        written = virtual_hosts[index] or {}
        path = f"{variable}[{index}]"
        problems += _check_service(path, written, host, login, store)
        problems += _check_allow(path, written.get("allow") or [])
    if parsed and None not in virtual_hosts and not any(host.service == "mlflow" for host in parsed.values()):
        problems.append(f"{variable}: has no virtual host for MLflow, add one without a service.")
    return problems


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
