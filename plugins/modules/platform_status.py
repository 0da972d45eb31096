#!/usr/bin/python
# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module onprem.mlflow.platform_status."""

from __future__ import annotations

DOCUMENTATION = r"""
module: platform_status
author:
  - onprem.mlflow contributors (@onprem)
version_added: 0.3.0
short_description: Tell how a platform is on one of its servers
description:
  - Looks at services, bucket, disks, certificates, timers and the last backup. Each service is asked now, by its own
    check, in place of what the engine remembers.
  - One measurement of the disks a day is kept in C(status/history.json) below O(project_dir), so that their growth can
    be told. Nothing else is written.
extends_documentation_fragment:
  - onprem.mlflow.attributes
options:
  project_dir:
    description: Folder of the compose project.
    type: path
    required: true
  project_name:
    description: Name of the compose project.
    type: str
    required: true
  paths:
    description: Further folders whose disks are looked at. Those that are not there are left out.
    type: list
    elements: path
    default: []
  disk_percent:
    description: A disk is a problem from this share on, in percent.
    type: float
    default: 85
  disk_days:
    description: A disk is a problem if it will be full in fewer days.
    type: float
    default: 14
  certificate_days:
    description: A certificate is a problem if it is good for fewer days.
    type: float
    default: 14
  backup_hours:
    description: The last good backup is a problem if it is older, in hours.
    type: float
    default: 30
attributes:
  check_mode:
    description: Can run in check mode. The measurement is not kept then.
    support: full
  diff_mode:
    description: There is no difference to show.
    support: none
requirements:
  - boto3 and cryptography, on the host that the module runs on
"""

EXAMPLES = r"""
- name: Look at the platform
  onprem.mlflow.platform_status:
    project_dir: /opt/mlflow
    project_name: mlflow
  register: status
"""

RETURN = r"""
status:
  description: The state.
  type: dict
  returned: success
  contains:
    problems:
      description: A sentence for each thing that somebody has to look at.
      type: list
      elements: str
    services:
      description: State, version, image, start and restarts of each service, and why it does not work.
      type: list
      elements: dict
    missing:
      description: Services that have no container.
      type: list
      elements: str
    checks:
      description: What else was asked, and what the answer was.
      type: list
      elements: dict
    disks:
      description: Used and free bytes and growth of each disk, in bytes and bytes a day.
      type: list
      elements: dict
    certificates:
      description: Names of each certificate, and for how many days it is good.
      type: list
      elements: dict
    timers:
      description: Whether each timer runs, and how what it starts has ended.
      type: list
      elements: dict
    backs_up:
      description: Whether this server takes backups.
      type: bool
    backup:
      description: The last good backup, and the error of a later one. Null where there is none.
      type: dict
"""

import time
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.onprem.mlflow.plugins.module_utils.status_look import look, remember
from ansible_collections.onprem.mlflow.plugins.module_utils.status_services import ask_engine

LIMITS = {"disk_percent": 85, "disk_days": 14, "certificate_days": 14, "backup_hours": 30}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "project_dir": {"type": "path", "required": True},
            "project_name": {"type": "str", "required": True},
            "paths": {"type": "list", "elements": "path", "default": []},
            **{name: {"type": "float", "default": value} for name, value in LIMITS.items()},
        },
        supports_check_mode=True,
    )
    params = module.params
    folder, now = Path(params["project_dir"]), time.time()
    if not (folder / "compose.yml").exists():
        module.fail_json(
            msg=f"mlflow_platform_dir: there is no platform in {folder}, write its folder, or run site.yml."
        )
    limits = {name: params[name] for name in LIMITS}
    status = look(folder, params["project_name"], params["paths"], limits, now, ask_engine)
    if not module.check_mode:
        remember(folder, status, now)
    module.exit_json(changed=False, status=status)


if __name__ == "__main__":
    main()
