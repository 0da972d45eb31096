#!/usr/bin/python
# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module onprem.mlflow.database_password."""

from __future__ import annotations

DOCUMENTATION = r"""
module: database_password
author:
  - onprem.mlflow contributors (@onprem)
version_added: 0.1.0
short_description: Change the password of a user of a database in a container without refusing anybody
description:
  - In three steps, between which clients go over to the new password. Each can be repeated.
  - The client programs of the container are used. Neither a command line nor a log of the database shows a password.
extends_documentation_fragment:
  - onprem.mlflow.attributes
  - onprem.mlflow.container_database
options:
  database:
    description: Where the database is, with the user whose password changes, and the new password.
  administrators:
    description: Passwords of MySQL's root, of which one is right. PostgreSQL's superuser needs none.
    type: list
    elements: str
    default: []
  state:
    description:
      - With V(beside), the new password is accepted beside the old one. PostgreSQL has one password of a user; there it
        is a second user's, who acts as the first.
      - With V(settled), it is the user's own. On PostgreSQL the old one ends with that.
      - With V(alone), the old one and the second user are dropped. It is an error if the new one is not accepted.
    type: str
    choices: [beside, settled, alone]
    required: true
  old_password:
    description: The old password, which is tried with O(state=alone). It is an error if it still lets the user in.
    type: str
attributes:
  check_mode:
    description: Can run in check mode, and does not ask the database then.
    support: full
  diff_mode:
    description: There is nothing to show but passwords.
    support: none
"""

EXAMPLES = r"""
- name: Have MySQL accept another password, too
  onprem.mlflow.database_password:
    database:
      container: mlflow-mysql-1
      engine: mysql
      name: mlflow
      username: mlflow
      password: "{{ new_password }}"
    administrators: ["{{ mysql_root_password }}"]
    state: beside
"""

RETURN = r"""
login:
  description: Name of the user whom the new password lets in after this.
  type: str
  returned: success
  sample: mlflow
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.onprem.mlflow.plugins.module_utils.container_database import DATABASE_OPTIONS, Place, Runner
from ansible_collections.onprem.mlflow.plugins.module_utils.database_password import password_of
from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError


def change(params: dict[str, Any]) -> dict[str, Any]:
    """Take one step."""
    place = Place.parse(params["database"], "database")
    password = password_of(place, params["administrators"], Runner())
    step = {"beside": password.beside, "settled": password.settle, "alone": password.alone}[params["state"]]
    changed = step()
    if params["state"] == "alone" and params["old_password"]:
        password.must_refuse(params["old_password"])
    return {"changed": changed, "login": password.login}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "database": {"type": "dict", "required": True, "options": DATABASE_OPTIONS},
            "administrators": {"type": "list", "elements": "str", "default": [], "no_log": True},
            "state": {"type": "str", "choices": ["beside", "settled", "alone"], "required": True},
            "old_password": {"type": "str", "no_log": True},
        },
        supports_check_mode=True,
    )
    if module.check_mode:
        module.exit_json(changed=True, login=module.params["database"]["username"])
    try:
        module.exit_json(**change(module.params))
    except InputError as exc:
        module.fail_json(msg=str(exc))


if __name__ == "__main__":
    main()
