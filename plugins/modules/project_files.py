#!/usr/bin/python
# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module onprem.mlflow.project_files."""

from __future__ import annotations

DOCUMENTATION = r"""
module: project_files
author:
  - onprem.mlflow contributors (@onprem)
version_added: 0.1.0
short_description: Keep the folders and text files of a service below one folder
description:
  - Makes folders and writes text files below one folder, all in one run of a module, where
    M(ansible.builtin.file) and M(ansible.builtin.copy) need two or three for each of them.
  - Everything is checked before the first path is changed.
  - A file is written under another name and then renamed, so a killed run leaves the old file or the new one.
extends_documentation_fragment:
  - onprem.mlflow.attributes
options:
  base:
    description:
      - The folder that all other paths are below, an absolute path.
      - Made, for everybody to read, where it is missing.
    type: path
    required: true
  folders:
    description:
      - The folders, made where they are missing. What lies in them is left alone.
      - A link to a folder elsewhere counts as a folder.
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description:
          - Path below O(base).
          - It is an error if it is absolute, holds C(..), or names something that is no folder.
        type: str
        required: true
      owner:
        description: User who owns it, by name or by number.
        type: str
        default: root
      group:
        description: Its group, by name or by number.
        type: str
        default: root
      mode:
        description: Its mode, a quoted octal number of four digits.
        type: str
        default: '0755'
      exclusive:
        description: Whether files in it that are not among O(files) are removed.
        type: bool
        default: false
  files:
    description: The files, written in this order.
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description:
          - Path below O(base).
          - It is an error if it is absolute, holds C(..), or names something that is no file.
          - An empty folder gives way to it, which the engine makes where a container mounts a file that is gone.
        type: str
        required: true
      content:
        description: The whole text.
        type: str
        required: true
      owner:
        description: User who owns it, by name or by number.
        type: str
        default: root
      group:
        description: Its group, by name or by number.
        type: str
        default: root
      mode:
        description: Its mode, a quoted octal number of four digits.
        type: str
        default: '0644'
attributes:
  check_mode:
    description: Can run in check mode and return what would change.
    support: full
  diff_mode:
    description: Returns the old and the new text of each file. Where that is secret, the task needs C(no_log=true).
    support: full
"""

EXAMPLES = r"""
- name: Write the files of MySQL
  onprem.mlflow.project_files:
    base: /opt/mlflow
    folders:
      - path: config/mysql
      - path: data/mysql
        owner: 999
        group: 999
        mode: "0700"
    files:
      - path: config/mysql/my.cnf
        content: "{{ lookup('ansible.builtin.template', 'my.cnf.j2') }}"
"""

RETURN = r"""
changed_paths:
  description: The paths below O(base) that differed.
  type: list
  elements: str
  returned: success
  sample: [config/mysql/my.cnf]
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError
from ansible_collections.onprem.mlflow.plugins.module_utils.project_files import apply, describe, look, parse

ACCESS_SPEC = {
    "path": {"type": "str", "required": True},
    "owner": {"type": "str", "default": "root"},
    "group": {"type": "str", "default": "root"},
}
FOLDER_SPEC = {
    **ACCESS_SPEC,
    "mode": {"type": "str", "default": "0755"},
    "exclusive": {"type": "bool", "default": False},
}
FILE_SPEC = {
    **ACCESS_SPEC,
    "mode": {"type": "str", "default": "0644"},
    "content": {"type": "str", "required": True},
}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "base": {"type": "path", "required": True},
            "folders": {"type": "list", "elements": "dict", "default": [], "options": FOLDER_SPEC},
            "files": {"type": "list", "elements": "dict", "default": [], "options": FILE_SPEC},
        },
        supports_check_mode=True,
    )
    base = Path(module.params["base"])
    try:
        if not base.is_absolute():
            raise InputError(f"base: found {str(base)!r}, write an absolute path.")
        steps = look(base, parse(module.params["folders"], module.params["files"]))
        if not module.check_mode:
            apply(base, steps)
    except InputError as exc:
        module.fail_json(msg=str(exc))
    except OSError as exc:
        module.fail_json(msg=f"{exc.filename or base} cannot be kept: {exc.strerror}; become root, or make room.")
    module.exit_json(
        changed=bool(steps),
        changed_paths=[step.path for step in steps],
        **({"diff": [describe(base, step) for step in steps]} if module._diff else {}),
    )


if __name__ == "__main__":
    main()
