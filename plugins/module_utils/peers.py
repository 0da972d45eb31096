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
    for service, servers, clients in (
        (database if database in ("mysql", "postgres") else "", groups.get("mlflow_database", []), trackers),
        ("rustfs" if store == "rustfs" else "", groups.get("mlflow_object_store", []), trackers),
        ("mlflow", trackers, groups.get("mlflow_proxy", [])),
    ):
        crosses = any(server != client for server in servers for client in clients)
        if service and host in servers and crosses:
            count = replicas if service == "mlflow" else 1
            found.append(
                {
                    "service": service,
                    "ports": [PORTS[service] + number for number in range(count)],
                    "clients": sorted(addresses[client] for client in clients if client != host),
                }
            )
    return found
