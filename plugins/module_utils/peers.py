# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which services of a platform on several servers are reached from which of the other servers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

PORTS = {"mysql": 3306, "postgres": 5432, "rustfs": 9000, "mlflow": 5000}

Groups = Mapping[str, Sequence[str]]


def published_services(
    groups: Groups, host: str, database: str, store: str, replicas: int, addresses: Mapping[str, str]
) -> list[dict[str, Any]]:
    """List the services of a server that other servers reach, with their ports and the addresses of those servers.

    A service that is reached over the network anywhere speaks TLS on each of its servers, since who reaches several
    of them has one way to.
    """
    found = []
    trackers = groups.get("mlflow_tracking", [])
    stores = groups.get("mlflow_object_store", []) if store == "rustfs" else []
    several_stores = len(stores) > 1
    for service, servers, clients in (
        (database if database in ("mysql", "postgres") else "", groups.get("mlflow_database", []), trackers),
        ("rustfs", stores, [*trackers, *(stores if several_stores else [])]),
        ("mlflow", trackers, groups.get("mlflow_proxy", [])),
    ):
        crosses = any(server != client for server in servers for client in clients)
        if service and host in servers and crosses:
            count = replicas if service == "mlflow" else 1
            published: dict[str, Any] = {
                "service": service,
                "ports": [PORTS[service] + number for number in range(count)],
                "clients": sorted({addresses[client] for client in clients if client != host}),
            }
            if service == "rustfs" and several_stores:
                published["names"] = [f"rustfs-{stores.index(host) + 1}"]
            found.append(published)
    return found


def store_addresses(groups: Groups, host: str, addresses: Mapping[str, str]) -> list[str]:
    """List the addresses of several servers of RustFS in the order that a server of MLflow tries them.

    Its own one comes first. Each server of MLflow begins with another one, so that not all ask the same.
    """
    stores = list(groups.get("mlflow_object_store", []))
    trackers = list(groups.get("mlflow_tracking", []))
    first = stores.index(host) if host in stores else trackers.index(host) % len(stores)
    return [addresses[store] for store in stores[first:] + stores[:first]]
