# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filter onprem.mlflow.store_addresses."""

from __future__ import annotations

DOCUMENTATION = r"""
name: store_addresses
author:
  - onprem.mlflow contributors (@onprem)
version_added: 0.2.0
short_description: List the addresses of several object store servers as a server of MLflow tries them
description:
  - Its own server comes first where it is one of them. Otherwise each server of MLflow begins with another one.
positional: host, addresses
options:
  _input:
    description: The groups of the inventory.
    type: dict
    required: true
  host:
    description: Name of the server of MLflow in the inventory.
    type: str
    required: true
  addresses:
    description: The address of each server, by its name in the inventory.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show where MLflow looks for its objects
  ansible.builtin.debug:
    msg: "{{ groups | onprem.mlflow.store_addresses('tracker', addresses) }}"
  vars:
    addresses: {tracker: 10.0.0.1, objects-1: 10.0.0.2, objects-2: 10.0.0.3, objects-3: 10.0.0.4}
  # => ["10.0.0.2", "10.0.0.3", "10.0.0.4"]
"""

RETURN = r"""
_value:
  description: The addresses.
  type: list
  elements: str
"""

from collections.abc import Callable

from ansible_collections.onprem.mlflow.plugins.module_utils.peers import store_addresses


class FilterModule:
    """Make the filter known."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """Return the filter by its name."""
        return {"store_addresses": store_addresses}
