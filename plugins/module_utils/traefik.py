# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Labels by which a Traefik of the operator's own finds the platform's proxy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.onprem.mlflow.plugins.module_utils.virtual_hosts import VirtualHost, parse_virtual_hosts


def traefik_labels(
    virtual_hosts: object,
    project: str,
    network: str,
    port: int,
    entry_points: Sequence[str] = (),
    cert_resolver: str = "",
    more: Mapping[str, Any] | None = None,
) -> dict[str, str]:
    """Return a router for each virtual host and one service for all; `more` wins over both."""
    labels = {
        "traefik.enable": "true",
        "traefik.docker.network": network,
        f"traefik.http.services.{project}.loadbalancer.server.port": str(port),
    }
    for number, host in enumerate(parse_virtual_hosts(virtual_hosts), start=1):
        router = f"traefik.http.routers.{project}-{number}"
        labels[f"{router}.rule"] = " || ".join(_rule(name) for name in host.host_names)
        labels[f"{router}.service"] = project
        if entry_points:
            labels[f"{router}.entrypoints"] = ",".join(entry_points)
        labels.update(_tls(router, host, cert_resolver))
    labels.update({name: str(value) for name, value in (more or {}).items()})
    return labels


def _rule(name: str) -> str:
    if name.startswith("*."):
        rest = name[2:].replace(".", r"\.")
        return f"HostRegexp(`^[^.]+\\.{rest}$`)"
    return f"Host(`{name}`)"


def _tls(router: str, host: VirtualHost, cert_resolver: str) -> dict[str, str]:
    if host.tls == "off":
        return {}
    labels = {f"{router}.tls": "true"}
    if cert_resolver:
        labels[f"{router}.tls.certresolver"] = cert_resolver
    return labels
