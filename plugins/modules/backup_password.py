#!/usr/bin/python
# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module onprem.mlflow.backup_password."""

from __future__ import annotations

DOCUMENTATION = r"""
module: backup_password
author:
  - onprem.mlflow contributors (@onprem)
version_added: 0.1.0
short_description: Change the password of a repository of backups
description:
  - In two steps, between which the repository can be opened with either. Each can be repeated.
  - What restic encrypts with stays the same. Whoever had the old password and a copy of the repository can read it for
    ever.
extends_documentation_fragment:
  - onprem.mlflow.attributes
options:
  project_dir:
    description: Folder of the compose project, whose backups have been set up.
    type: path
    required: true
  old_password:
    description: The password that opens the repository until now.
    type: str
    required: true
  password:
    description: The new one.
    type: str
    required: true
  state:
    description:
      - With V(beside), the new one opens the repository, too.
      - With V(alone), the old one does not. It is an error if the new one does not either.
    type: str
    choices: [beside, alone]
    required: true
attributes:
  check_mode:
    description: Can run in check mode, and does not ask the repository then.
    support: full
  diff_mode:
    description: There is nothing to show but passwords.
    support: none
"""

EXAMPLES = r"""
- name: Have another password open the backups, too
  onprem.mlflow.backup_password:
    project_dir: /opt/mlflow
    old_password: "{{ old_password }}"
    password: "{{ new_password }}"
    state: beside
"""

RETURN = r"""
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.onprem.mlflow.plugins.module_utils.backup_lock import only_one
from ansible_collections.onprem.mlflow.plugins.module_utils.backup_password import BackupPassword
from ansible_collections.onprem.mlflow.plugins.module_utils.backup_settings import read
from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError


def change(params: dict[str, Any]) -> bool:
    """Take one step."""
    settings = read(params["project_dir"])
    password = BackupPassword(settings, params["old_password"], params["password"])
    with only_one(settings):
        return password.beside() if params["state"] == "beside" else password.alone()


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "project_dir": {"type": "path", "required": True},
            "old_password": {"type": "str", "required": True, "no_log": True},
            "password": {"type": "str", "required": True, "no_log": True},
            "state": {"type": "str", "choices": ["beside", "alone"], "required": True},
        },
        supports_check_mode=True,
    )
    if module.check_mode:
        module.exit_json(changed=True)
    try:
        changed = change(module.params)
    except InputError as exc:
        module.fail_json(msg=str(exc))
    module.exit_json(changed=changed)


if __name__ == "__main__":
    main()
