#!/usr/bin/python
# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module onprem.mlflow.backup_repository."""

from __future__ import annotations

DOCUMENTATION = r"""
module: backup_repository
author:
  - onprem.mlflow contributors (@onprem)
version_added: 0.3.0
short_description: Make the repository of a platform's backups
description:
  - Makes a repository of restic where the role C(backup) has noted one, and opens one that is there.
  - It is an error if the one that is there is opened by another password, or if nobody lets the server in.
  - It is an error if a folder is on the disk that has the platform's data.
extends_documentation_fragment:
  - onprem.mlflow.attributes
options:
  project_dir:
    description: Folder of the compose project.
    type: path
    required: true
  location:
    description: Where the repository is to be, as in the settings.
    type: str
    required: true
  password:
    description: What is to open it. The one on the server where it is left out.
    type: str
  open:
    description:
      - Whether to open it in check mode. It cannot be while the server has other keys to it than it will have.
    type: bool
    default: true
  same_disk:
    description: Whether a folder may be on the disk that has the platform's data.
    type: bool
    default: false
attributes:
  check_mode:
    description:
      - Can run in check mode. Before the settings are written, or where restic is not installed, it predicts that a
        repository is made.
    support: full
  diff_mode:
    description: There is no difference to show.
    support: none
"""

EXAMPLES = r"""
- name: Make the repository
  onprem.mlflow.backup_repository:
    project_dir: /opt/mlflow
    location: /mnt/backup/mlflow
"""

RETURN = r"""
created:
  description: Whether a repository was made, or would be.
  type: bool
  returned: success
"""

import shutil
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.onprem.mlflow.plugins.module_utils.backup_repository import Restic
from ansible_collections.onprem.mlflow.plugins.module_utils.backup_settings import read
from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError


def must_be_elsewhere(project_dir: str, location: str) -> None:
    """Raise InputError where a folder is on the disk of the data."""
    if location.startswith("/") and device_of(location) == device_of(project_dir):
        raise InputError(
            f"backup_repository: found {location!r}, which is on the disk of the platform's data and is lost with it,"
            " write a folder on another disk or server, or backup_same_disk: true."
        )


def device_of(path: str) -> int:
    """Tell on which device a folder is, or would be."""
    folder = Path(path)
    while not folder.exists():
        folder = folder.parent
    return folder.stat().st_dev


def location_noted(project_dir: str) -> str:
    """Tell where the platform keeps its backups until now; nothing where that cannot be read."""
    try:
        return read(project_dir).repository.location
    except InputError:
        return ""


def ensure(params: dict[str, Any], *, dry_run: bool) -> bool:
    """Make the repository where there is none, and tell whether it was made, or would be."""
    project_dir, location = params["project_dir"], params["location"]
    if not params["same_disk"]:
        must_be_elsewhere(project_dir, location)
    if dry_run:
        noted = location_noted(project_dir)
        if noted != location or not params["open"] or not shutil.which("restic"):
            return bool(noted != location)
    restic = Restic(read(project_dir), params["password"])
    created = not restic.exists()
    if created and not dry_run:
        restic.run(["init", "--quiet"])
    return created


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "project_dir": {"type": "path", "required": True},
            "location": {"type": "str", "required": True},
            "password": {"type": "str", "no_log": True},
            "open": {"type": "bool", "default": True},
            "same_disk": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    try:
        created = ensure(module.params, dry_run=module.check_mode)
    except InputError as exc:
        module.fail_json(msg=str(exc))
    module.exit_json(changed=created, created=created)


if __name__ == "__main__":
    main()
