# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks of how the proxy is reached. All of them are pure and return sentences."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError
from ansible_collections.onprem.mlflow.plugins.module_utils.virtual_hosts import VirtualHost

FOR_TRAEFIK = (
    "nginx_traefik_network",
    "nginx_traefik_entry_points",
    "nginx_traefik_cert_resolver",
    "nginx_traefik_labels",
)

BEHIND_PORT = 15081
HEALTH_PORT = 15080

_NETWORK = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


def check_publish(values: Mapping[str, Any]) -> list[str]:
    """Complain about options that do not fit the way the proxy is reached."""
    publish = str(values.get("nginx_publish") or "ports")
    problems = []
    if publish != "ports":
        problems += _check_hosts(values.get("nginx_virtual_hosts") or [], publish)
        if values.get("nginx_behind_port", BEHIND_PORT) == values.get("nginx_health_port", HEALTH_PORT):
            problems.append("nginx_behind_port: is the same as nginx_health_port, write another port.")
    if publish == "traefik":
        problems += _check_network(values.get("nginx_traefik_network"))
    else:
        problems += [
            f"{name}: is of no use with nginx_publish {publish!r}, write nginx_publish: traefik, or remove it."
            for name in FOR_TRAEFIK
            if values.get(name)
        ]
    return problems


def _check_network(network: object) -> list[str]:
    if not network:
        return [
            "nginx_traefik_network: is missing, write the name of Traefik's network as `docker network ls` shows it."
        ]
    if not _NETWORK.fullmatch(str(network)):
        return [f"nginx_traefik_network: found {network!r}, write a name as `docker network ls` shows it."]
    return []


def _check_hosts(virtual_hosts: Sequence[Mapping[str, Any] | None], publish: str) -> list[str]:
    problems = []
    seen: set[str] = set()
    for index, item in enumerate(virtual_hosts):
        path = f"nginx_virtual_hosts[{index}]"
        try:
            host = VirtualHost.parse(item)
        except InputError:
            # It was complained about before.
            continue
        if host.has_certificate:
            problems.append(
                f"{path}.tls: found {host.tls!r}, but with nginx_publish {publish!r} the proxy in front has the"
                " certificate, write outside, or off."
            )
        for name in host.host_names:
            if name in seen:
                problems.append(
                    f"{path}: {name} stands twice, but with nginx_publish {publish!r} all virtual hosts share one port,"
                    " remove one of them."
                )
            seen.add(name)
    return problems
