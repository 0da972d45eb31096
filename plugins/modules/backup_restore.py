#!/usr/bin/python
# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module onprem.mlflow.backup_restore."""

from __future__ import annotations

DOCUMENTATION = r"""
module: backup_restore
author:
  - onprem.mlflow contributors (@onprem)
version_added: 0.3.0
short_description: Put back secrets, database or artifacts of a backup
description:
  - Reads a backup from the repository that the role C(backup) has noted, and puts a part of it back.
  - B(Nothing may write meanwhile). MLflow is to be stopped by whoever calls it.
  - What was interrupted is taken up by the next run. The database is replaced as a whole; a table
    C(onprem_mlflow_adopt) is there until that is complete.
extends_documentation_fragment:
  - onprem.mlflow.attributes
options:
  project_dir:
    description: Folder of the compose project.
    type: path
    required: true
  backup:
    description: Identifier of the backup or its first digits, or V(latest).
    type: str
    required: true
  part:
    description:
      - With V(secrets), passwords, keys and certificates, on a server that has none. Those that are there are kept.
      - With V(database), all runs, experiments, models and what else MLflow has in its database.
      - With V(artifacts), objects that the bucket lacks or has otherwise, with their headers. What is there beside them
        stays. Tags and former versions of objects are not part of a backup.
    type: str
    choices: [secrets, database, artifacts]
    required: true
  over_newer:
    description: Whether a database may be replaced in which something was logged after the backup.
    type: bool
    default: false
  disks:
    description: Folders of the object store, whose room is looked at. Required with O(part=artifacts).
    type: list
    elements: path
    default: []
attributes:
  check_mode:
    description:
      - Can run in check mode. Kind, version, age and room are tried, and nothing is written to the platform.
    support: full
  diff_mode:
    description: There is no difference to show.
    support: none
requirements:
  - boto3, on the host that the module runs on
"""

EXAMPLES = r"""
- name: Put back the database
  onprem.mlflow.backup_restore:
    project_dir: /opt/mlflow
    backup: 9dcdcf04
    part: database
"""

RETURN = r"""
filled:
  description: Whether the database holds, or held, anything.
  type: bool
  returned: with O(part=database)
objects:
  description: How many objects were put back, or would be.
  type: int
  returned: with O(part=artifacts)
bytes:
  description: Their size.
  type: int
  returned: with O(part=artifacts)
there:
  description: How many objects were there already.
  type: int
  returned: with O(part=artifacts)
"""

from dataclasses import asdict
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.onprem.mlflow.plugins.module_utils import backup_artifacts, backup_restore
from ansible_collections.onprem.mlflow.plugins.module_utils.backup_found import Backup, find, must_fit
from ansible_collections.onprem.mlflow.plugins.module_utils.backup_lock import only_one
from ansible_collections.onprem.mlflow.plugins.module_utils.backup_repository import Restic
from ansible_collections.onprem.mlflow.plugins.module_utils.backup_settings import Settings, read
from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError

Result = dict[str, Any]


def secrets(settings: Settings, restic: Restic, backup: Backup, *, dry_run: bool) -> Result:
    """Put back secrets where the server has none, if the rest will have room as well."""
    backup_restore.must_have_room(settings, backup)
    changed = not backup_restore.has_secrets(settings)
    if changed and not dry_run:
        backup_restore.restore_secrets(settings, restic, backup)
    return {"changed": changed}


def database(settings: Settings, restic: Restic, backup: Backup, *, over_newer: bool, dry_run: bool) -> Result:
    """Replace the database."""
    if over_newer:
        filled = backup_restore.last_change(settings) is not None
    else:
        filled = backup_restore.must_not_be_newer(settings, backup)
    backup_restore.must_have_room(settings, backup)
    if not dry_run:
        backup_restore.restore(settings, restic, backup)
    return {"changed": True, "filled": filled}


def carry_out(params: dict[str, Any], *, dry_run: bool) -> Result:
    """Put a part back."""
    settings = read(params["project_dir"])
    restic = Restic(settings)
    backup = find(settings, restic, params["backup"])
    must_fit(settings, backup)
    with only_one(settings):
        if params["part"] == "secrets":
            return secrets(settings, restic, backup, dry_run=dry_run)
        if params["part"] == "database":
            return database(settings, restic, backup, over_newer=params["over_newer"], dry_run=dry_run)
        done = backup_artifacts.restore(settings, restic, backup, params["disks"], dry_run=dry_run)
        return {"changed": done.objects > 0, **asdict(done)}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "project_dir": {"type": "path", "required": True},
            "backup": {"type": "str", "required": True},
            "part": {"type": "str", "choices": ["secrets", "database", "artifacts"], "required": True},
            "over_newer": {"type": "bool", "default": False},
            "disks": {"type": "list", "elements": "path", "default": []},
        },
        supports_check_mode=True,
    )
    try:
        result = carry_out(module.params, dry_run=module.check_mode)
    except InputError as exc:
        module.fail_json(msg=str(exc))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
