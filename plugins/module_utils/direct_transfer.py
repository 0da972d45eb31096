# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What must be so for clients to move artifacts to and from the object store themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError
from ansible_collections.onprem.mlflow.plugins.module_utils.virtual_hosts import VirtualHost, address_of

VARIABLE = "mlflow_platform_direct_transfer"


def check_direct_transfer(values: Mapping[str, Any]) -> list[str]:
    """Complain where MLflow could not sign addresses that it and its clients both reach."""
    if not values.get(VARIABLE):
        return []
    store = str(values.get("mlflow_platform_artifact_store") or "rustfs")
    if store != "rustfs":
        return [
            f"{VARIABLE}: is for the platform's own object store, but mlflow_platform_artifact_store is {store!r},"
            " remove it."
        ]
    publish = str(values.get("nginx_publish") or "ports")
    if publish != "ports":
        return [
            f"{VARIABLE}: MLflow would look for the object store at the ports of the virtual hosts, but nginx_publish"
            f" is {publish!r}, remove one of the two."
        ]
    try:
        found = _host_of_s3(values.get("nginx_virtual_hosts") or [])
    except InputError:
        # It was complained about before.
        return []
    if found is None:
        return [f"{VARIABLE}: needs a virtual host with service s3, add one to nginx_virtual_hosts."]
    index, host = found
    path = f"nginx_virtual_hosts[{index}]"
    problems = []
    if not _is_name(host.host_names[0]):
        problems.append(
            f"{path}.host_names: found {host.host_names[0]!r} as the first with {VARIABLE}, write a name that clients"
            " and MLflow's container both know, such as s3.example.org."
        )
    if values["nginx_virtual_hosts"][index].get("allow"):
        problems.append(
            f"{path}.allow: MLflow itself comes there with {VARIABLE}, from an address of the engine's choice,"
            " remove one of the two."
        )
    if host.tls == "self_signed":
        problems.append(
            f"{path}.tls: found 'self_signed', whose authority MLflow does not know before it is made, write off or"
            f" provided with {VARIABLE}."
        )
    if host.tls == "acme" and values.get("acme_ca_certificate") and not values.get("mlflow_extra_ca_certificates"):
        problems.append(
            f"mlflow_extra_ca_certificates: is empty, but MLflow itself comes to {path} with {VARIABLE},"
            " write the certificate of the authority that acme_ca_certificate is of."
        )
    return problems


def _host_of_s3(virtual_hosts: Sequence[Mapping[str, Any] | None]) -> tuple[int, VirtualHost] | None:
    parsed = [(index, VirtualHost.parse(host)) for index, host in enumerate(virtual_hosts) if host is not None]
    return next((item for item in parsed if item[1].service == "s3"), None)


def _is_name(host: str) -> bool:
    return address_of(host) is None and host != "localhost" and not host.startswith("*")
