#!/usr/bin/python
# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module onprem.mlflow.mlflow_users."""

from __future__ import annotations

DOCUMENTATION = r"""
module: mlflow_users
author:
  - onprem.mlflow contributors (@onprem)
version_added: 0.1.0
short_description: Make, change and remove the users of MLflow's own login
description:
  - Speaks to the REST API of an MLflow that runs with C(--app-name basic-auth). What changes is in force at once.
  - Whether a password is right is found by logging in with it.
  - Needs nothing but Python. Proxy settings of the environment are not followed.
extends_documentation_fragment:
  - onprem.mlflow.attributes
  - onprem.mlflow.front_door
options:
  username:
    description: An administrator of MLflow.
    type: str
    required: true
  password:
    description: Password of O(username).
    type: str
    required: true
  users:
    description:
      - The users, besides the administrator who logs in.
      - It is an error if two names differ in their case only.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the user, of ASCII letters and digits and the characters C(_ . @ + -).
        type: str
        required: true
      password:
        description: Password, at least 12 characters of ASCII.
        type: str
        required: true
      admin:
        description: Whether the user is an administrator.
        type: bool
        default: false
      update_password:
        description: Whether a password that is another one by now is set back.
        type: str
        choices: [always, on_create]
        default: always
  exclusive:
    description: Whether users that are not in O(users) are removed. The administrator who logs in stays.
    type: bool
    default: true
  timeout:
    description: For how many seconds a connection may be silent.
    type: int
    default: 60
attributes:
  check_mode:
    description: Can run in check mode and return a prediction.
    support: full
  diff_mode:
    description: Returns who is a user and who an administrator, before and after. Passwords are not shown.
    support: full
"""

EXAMPLES = r"""
- name: Make the users
  onprem.mlflow.mlflow_users:
    url: http://mlflow.example.org:15000
    username: admin
    password: "{{ vault_admin_password }}"
    users:
      - name: anna
        password: "{{ vault_anna_password }}"
      - name: clara
        password: "{{ vault_clara_password }}"
        admin: true
"""

RETURN = r"""
actions:
  description: What was done, or would be in check mode, in its order.
  type: list
  elements: str
  returned: success
  sample: [make anna, let anna be administrator, set the password of bert, remove carl]
"""

import json
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError
from ansible_collections.onprem.mlflow.plugins.module_utils.mlflow_rest import (
    FRONT_DOOR_OPTIONS,
    Endpoint,
    RestClient,
    RestError,
    StatusError,
    explain,
)
from ansible_collections.onprem.mlflow.plugins.module_utils.mlflow_users import ensure, parse_users

ARGUMENT_SPEC: dict[str, Any] = {
    **FRONT_DOOR_OPTIONS,
    "username": {"type": "str", "required": True},
    "password": {"type": "str", "required": True, "no_log": True},
    "users": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "name": {"type": "str", "required": True},
            "password": {"type": "str", "required": True, "no_log": True},
            "admin": {"type": "bool", "default": False},
            "update_password": {
                "type": "str",
                "choices": ["always", "on_create"],
                "default": "always",
                "no_log": False,
            },
        },
    },
    "exclusive": {"type": "bool", "default": True},
    "timeout": {"type": "int", "default": 60},
}


def advice(error: StatusError) -> str:
    """Say what to look at where MLflow refuses."""
    if error.status == 401:
        return "write the password that this administrator has in MLflow now"
    if error.status == 403:
        return "log in as an administrator"
    if error.status == 404:
        return "look whether MLflow runs with --app-name basic-auth"
    return "look at the log of MLflow"


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    params = module.params
    if params["timeout"] < 1:
        module.fail_json(msg=f"timeout: found {params['timeout']}, write at least 1.")
    try:
        endpoint = Endpoint.parse(params["url"], params["connect_address"])
        client = RestClient.of(endpoint, params)
    except InputError as exc:
        module.fail_json(msg=str(exc))
    try:
        users = parse_users(params["users"], params["username"])
        report = ensure(client, users, params["exclusive"], module.check_mode)
    except InputError as exc:
        module.fail_json(msg=f"users: {exc}")
    except RestError as exc:
        module.fail_json(
            msg=f"The users of MLflow cannot be made as {params['username']!r}: {explain(exc, endpoint, advice)}."
        )
    result: dict[str, Any] = {"changed": report.changed, "actions": report.actions}
    if module._diff:
        result["diff"] = {
            "before": json.dumps(report.before, indent=2, sort_keys=True) + "\n",
            "after": json.dumps(report.after, indent=2, sort_keys=True) + "\n",
        }
    module.exit_json(**result)


if __name__ == "__main__":
    main()
