# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filter onprem.mlflow.rustfs_layout."""

from __future__ import annotations

DOCUMENTATION = r"""
name: rustfs_layout
author:
  - onprem.mlflow contributors (@onprem)
version_added: 0.2.0
short_description: Tell what RustFS is started with on one of its servers
description:
  - Every server of several is started with the same volumes, which name all servers by their number in the list.
positional: disks, servers, host
options:
  _input:
    description: The pools, as C(rustfs_pools). Without any, O(disks) of all servers are one pool.
    type: list
    elements: dict
    required: true
  disks:
    description: Folders on each server, as C(rustfs_disks).
    type: list
    elements: str
    required: true
  servers:
    description: Names of all servers in the inventory, in its order.
    type: list
    elements: str
    required: true
  host:
    description: Name of the server in the inventory.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Show what each of four servers is started with
  ansible.builtin.debug:
    msg: "{{ ([] | onprem.mlflow.rustfs_layout(['/srv/disk0/rustfs'], ['a', 'b', 'c', 'd'], 'b')).volumes }}"
  # => https://rustfs-{1...4}:9000/data/rustfs0
"""

RETURN = r"""
_value:
  description:
    - C(volumes) as RustFS takes them, C(mounts) with C(source) and C(target) of each, and C(disks), the folders that
      the operator named.
    - C(several) is true with more than one server; C(name) is what the others call this one then.
    - C(own_folder) is true where the platform's own folder is a disk; C(servers) and C(pools) are those of all.
    - C(note) is what the next run has to know of where the objects are, empty where the platform's own folder is all.
  type: dict
"""

from collections.abc import Callable

from ansible_collections.onprem.mlflow.plugins.module_utils.rustfs_pools import rustfs_layout


class FilterModule:
    """Make the filter known."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """Return the filter by its name."""
        return {"rustfs_layout": rustfs_layout}
