#!/usr/bin/python
# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: docker_engine_info
short_description: Find Docker Engine, its compose plugin, its settings and what Ansible needs for them
version_added: 0.1.0
description:
  - Tells the versions of the engine and of the compose plugin of a server, and that there is none where there is none.
  - Reads the engine's settings, and looks for Python modules. Needs no Python library on the server.
author:
  - onprem.mlflow contributors (@onprem)
extends_documentation_fragment:
  - onprem.mlflow.attributes
  - onprem.mlflow.attributes.read_only
options:
  daemon_json:
    description: The file of the engine's settings. It is an error if it holds something other than a JSON object.
    type: path
    default: /etc/docker/daemon.json
  pid_file:
    description: The file that the engine writes at its start.
    type: path
    default: /run/docker.pid
  python_modules:
    description: Python modules to look for.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Find the engine
  onprem.mlflow.docker_engine_info:
    python_modules: [boto3, requests]
  register: engine
"""

RETURN = r"""
engine_version:
  description: Version of the engine that answers. V(none) where there is none, or where it does not answer.
  returned: always
  type: str
  sample: 26.1.5
compose_version:
  description: Version of the compose plugin. V(none) where there is none.
  returned: always
  type: str
  sample: 2.26.1
daemon:
  description: The engine's settings. V(none) where there is no file of them.
  returned: always
  type: dict
  sample: {"live-restore": true}
daemon_loaded:
  description: Whether the engine that runs was started after its settings were written.
  returned: always
  type: bool
missing_python_modules:
  description: Those of O(python_modules) that the server does not have.
  returned: always
  type: list
  elements: str
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.onprem.mlflow.plugins.module_utils.docker_engine import (
    find_engine,
    is_loaded,
    missing_modules,
    read_daemon_json,
)
from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "daemon_json": {"type": "path", "default": "/etc/docker/daemon.json"},
            "pid_file": {"type": "path", "default": "/run/docker.pid"},
            "python_modules": {"type": "list", "elements": "str", "default": []},
        },
        supports_check_mode=True,
    )

    try:
        daemon = read_daemon_json(Path(module.params["daemon_json"]))
    except InputError as exc:
        module.fail_json(msg=str(exc))
    module.exit_json(
        changed=False,
        **find_engine(module.get_bin_path("docker"), module.run_command)._asdict(),
        daemon=daemon,
        daemon_loaded=is_loaded(Path(module.params["daemon_json"]), Path(module.params["pid_file"])),
        missing_python_modules=missing_modules(module.params["python_modules"]),
    )


if __name__ == "__main__":
    main()
