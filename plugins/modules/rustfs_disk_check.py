#!/usr/bin/python
# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module onprem.mlflow.rustfs_disk_check."""

from __future__ import annotations

DOCUMENTATION = r"""
module: rustfs_disk_check
author:
  - onprem.mlflow contributors (@onprem)
version_added: 0.2.0
short_description: Find out whether RustFS can have the disks that it is to have
description:
  - Looks at the folders, at the physical disks that they lie on and at what is in them, and changes nothing.
  - Fails if there is any problem, with one sentence for each that says what to write instead.
extends_documentation_fragment:
  - onprem.mlflow.attributes.read_only
options:
  disks:
    description:
      - The folders, one on each disk. None for the folder C(data/rustfs) of the platform.
      - A folder that is missing lies on the disk of the nearest folder above it.
    type: list
    elements: path
    default: []
  servers:
    description: Names of all servers of RustFS, in the order of the inventory. None for a server that is alone.
    type: list
    elements: str
    default: []
  pools:
    description: All pools, of which O(disks) are those of this server. None for a single pool on all servers.
    type: list
    elements: dict
    default: []
    suboptions:
      servers:
        description: Names of its servers.
        type: list
        elements: str
        default: []
      disks:
        description: Its folders on each of them. None for the folder C(data/rustfs) of the platform.
        type: list
        elements: path
        default: []
  project_dir:
    description: Folder of the platform, which tells on which disks its objects are now.
    type: path
    required: true
  allow_shared:
    description: Whether folders may lie on the disk of the system, or several on one disk.
    type: bool
    default: false
  owner:
    description: Number of the user that RustFS runs as.
    type: int
    default: 10001
attributes:
  platform:
    description: Platforms the module runs on.
    platforms: linux
    support: full
"""

EXAMPLES = r"""
- name: Look at the disks before changing them
  onprem.mlflow.rustfs_disk_check:
    disks: [/srv/disk0/rustfs, /srv/disk1/rustfs]
    project_dir: /opt/mlflow

- name: Look at the disks of one of several servers
  onprem.mlflow.rustfs_disk_check:
    disks: [/srv/disk0/rustfs]
    servers: [objects-1, objects-2, objects-3, objects-4]
    project_dir: /opt/mlflow
"""

RETURN = r"""
problems:
  description: One sentence for each problem.
  type: list
  elements: str
  returned: always
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.onprem.mlflow.plugins.module_utils.rustfs_disks import (
    disk_problems,
    look,
)
from ansible_collections.onprem.mlflow.plugins.module_utils.rustfs_pools import (
    Layout,
    changed_layout_problem,
    parse_pools,
)


def find_problems(params: dict[str, Any]) -> list[str]:
    """Look at the server."""
    servers = params["servers"] or [""]
    layout = Layout(tuple(servers), tuple(parse_pools(params["pools"], params["disks"], servers)))
    changed = changed_layout_problem(layout, params["project_dir"])
    if changed:
        return [changed]
    disks = [look(folder) for folder in params["disks"]]
    return disk_problems(disks, look("/").devices, params["allow_shared"], params["owner"])


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "disks": {"type": "list", "elements": "path", "default": []},
            "servers": {"type": "list", "elements": "str", "default": []},
            "pools": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {
                    "servers": {"type": "list", "elements": "str", "default": []},
                    "disks": {"type": "list", "elements": "path", "default": []},
                },
            },
            "project_dir": {"type": "path", "required": True},
            "allow_shared": {"type": "bool", "default": False},
            "owner": {"type": "int", "default": 10001},
        },
        supports_check_mode=True,
    )
    problems = find_problems(module.params)
    if problems:
        module.fail_json(msg="\n".join(problems), problems=problems)
    module.exit_json(changed=False, problems=[])


if __name__ == "__main__":
    main()
