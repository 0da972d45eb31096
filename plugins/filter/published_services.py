# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filter onprem.mlflow.published_services."""

from __future__ import annotations

DOCUMENTATION = r"""
name: published_services
author:
  - onprem.mlflow contributors (@onprem)
version_added: 0.1.0
short_description: List the services of a server that other servers of the platform reach
description:
  - MLflow's servers reach the database and the object store, the proxies reach MLflow, and several servers of the
    object store reach each other. Where none of them is on another server, the list is empty.
positional: host, database, store, replicas, addresses
options:
  _input:
    description: The groups of the inventory.
    type: dict
    required: true
  host:
    description: Name of the server in the inventory.
    type: str
    required: true
  database:
    description: The database, as C(mlflow_platform_database).
    type: str
    required: true
  store:
    description: The object store, as C(mlflow_platform_artifact_store).
    type: str
    required: true
  replicas:
    description: How many servers of MLflow the server has.
    type: int
    required: true
  addresses:
    description: The address of each server, by its name in the inventory.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show who reaches the database
  ansible.builtin.debug:
    msg: "{{ groups | onprem.mlflow.published_services('db', 'mysql', 'rustfs', 1, addresses) }}"
  vars:
    addresses: {db: 10.0.0.1, tracker: 10.0.0.2, proxy: 10.0.0.3}
  # => [{"service": "mysql", "ports": [3306], "clients": ["10.0.0.2"]}]
"""

RETURN = r"""
_value:
  description:
    - The services, each with C(service), C(ports), and C(clients), the addresses that may reach them.
    - C(names) are more names of one of several servers of the object store.
  type: list
  elements: dict
"""

from collections.abc import Callable

from ansible_collections.onprem.mlflow.plugins.module_utils.peers import published_services


class FilterModule:
    """Make the filter known."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """Return the filter by its name."""
        return {"published_services": published_services}
