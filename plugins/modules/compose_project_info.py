#!/usr/bin/python
# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module onprem.mlflow.compose_project_info."""

from __future__ import annotations

DOCUMENTATION = r"""
module: compose_project_info
author:
  - onprem.mlflow contributors (@onprem)
version_added: 0.1.0
short_description: Find out which services of a compose project run as their fragments say
description:
  - Asks once for all services what C(docker compose up) would ask for each of them.
  - Needs no Python library on the server. Where there is no engine, or no project, it finds nothing.
extends_documentation_fragment:
  - onprem.mlflow.attributes
  - onprem.mlflow.attributes.read_only
options:
  project_dir:
    description: Folder of the project, which holds C(compose.yml).
    type: path
    required: true
  project_name:
    description: Name of the project.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Find what runs
  onprem.mlflow.compose_project_info:
    project_dir: /opt/mlflow
    project_name: mlflow
  register: project
"""

RETURN = r"""
name:
  description: The name in C(compose.yml). V(none) where there is none.
  type: str
  returned: success
  sample: mlflow
fragments:
  description: The fragments in C(services/) that C(compose.yml) includes, without C(.yml).
  type: list
  elements: str
  returned: success
  sample: [networks, mysql]
services:
  description: The services that have a container, by name.
  type: dict
  returned: success
  contains:
    current:
      description: Whether it runs, is healthy, and was made from the fragment and the image that are there now.
      type: bool
      returned: always
    running:
      description: Whether it runs, whatever it was made from.
      type: bool
      returned: always
    restarting:
      description: Whether it ends again and again, and waits for the engine to start it once more.
      type: bool
      returned: always
    lost_folders:
      description:
        - Folders of its configuration that are not there any more, or were made anew since it started.
        - It sees an empty one in their place until it is made anew itself.
      type: list
      elements: str
      returned: always
    labels:
      description: Labels of the container.
      type: dict
      returned: always
    addresses:
      description: The container's address in each network that it is connected to.
      type: dict
      returned: always
      sample: {"mlflow_back": "172.18.0.2"}
selinux:
  description: Whether the server's kernel has SELinux on, enforcing or not.
  type: bool
  returned: success
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.onprem.mlflow.plugins.module_utils.compose_state import SELINUX, find_services, read_project


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "project_dir": {"type": "path", "required": True},
            "project_name": {"type": "str", "required": True},
        },
        supports_check_mode=True,
    )

    folder = Path(module.params["project_dir"])
    compose = folder / "compose.yml"
    project = read_project(compose.read_text(encoding="utf-8") if compose.exists() else "")
    docker = module.get_bin_path("docker")
    module.exit_json(
        changed=False,
        name=project.name,
        fragments=project.fragments,
        services=(
            find_services(docker, str(folder), module.params["project_name"], module.run_command) if docker else {}
        ),
        selinux=SELINUX.exists(),
    )


if __name__ == "__main__":
    main()
