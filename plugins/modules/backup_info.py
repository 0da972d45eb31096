#!/usr/bin/python
# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module onprem.mlflow.backup_info."""

from __future__ import annotations

DOCUMENTATION = r"""
module: backup_info
author:
  - onprem.mlflow contributors (@onprem)
version_added: 0.3.0
short_description: List a platform's backups, and tell what is in one of them
description:
  - Reads the repository that the role C(backup) has noted. Nothing is written, and no lock is taken.
  - It is an error if the backup is not there, does not say what is in it, or was taken by a newer version.
extends_documentation_fragment:
  - onprem.mlflow.attributes
  - onprem.mlflow.attributes.read_only
options:
  project_dir:
    description: Folder of the compose project.
    type: path
    required: true
  backup:
    description: Identifier of a backup or its first digits, or V(latest).
    type: str
"""

EXAMPLES = r"""
- name: Look at the latest backup
  onprem.mlflow.backup_info:
    project_dir: /opt/mlflow
    backup: latest
  register: found
"""

RETURN = r"""
backups:
  description: All backups of MLflow in the repository, the oldest first.
  type: list
  elements: dict
  returned: success
  contains:
    id:
      description: Identifier.
      type: str
    time:
      description: When it was taken, as restic writes it.
      type: str
    hostname:
      description: Server that it is of.
      type: str
    tags:
      description: Tags of restic.
      type: list
chosen:
  description: The backup that was asked for.
  type: dict
  returned: when O(backup) is given
  contains:
    id:
      description: Identifier.
      type: str
    name:
      description: Identifier as people write it.
      type: str
    description:
      description: What it says of itself, such as versions and sizes in bytes.
      type: dict
"""

from dataclasses import asdict

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.onprem.mlflow.plugins.module_utils.backup_found import find
from ansible_collections.onprem.mlflow.plugins.module_utils.backup_repository import Restic
from ansible_collections.onprem.mlflow.plugins.module_utils.backup_settings import read
from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={"project_dir": {"type": "path", "required": True}, "backup": {"type": "str"}},
        supports_check_mode=True,
    )
    chosen = {}
    try:
        settings = read(module.params["project_dir"])
        restic = Restic(settings)
        if module.params["backup"] is not None:
            backup = find(settings, restic, module.params["backup"])
            chosen = {
                "chosen": {"id": backup.snapshot.id, "name": backup.name, "description": backup.description},
            }
        backups = [asdict(snapshot) for snapshot in restic.snapshots()]
    except InputError as exc:
        module.fail_json(msg=str(exc))
    module.exit_json(changed=False, backups=backups, **chosen)


if __name__ == "__main__":
    main()
