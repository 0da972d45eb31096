#!/usr/bin/python
# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module onprem.mlflow.mlflow_password."""

from __future__ import annotations

DOCUMENTATION = r"""
module: mlflow_password
author:
  - onprem.mlflow contributors (@onprem)
version_added: 0.1.0
short_description: Let a user of MLflow's own login have another password
description:
  - Speaks to the REST API of an MLflow that runs with C(--app-name basic-auth), as the user. What changes is in force
    at once.
  - A password that is the new one already is left alone.
  - Needs nothing but Python. Proxy settings of the environment are not followed.
extends_documentation_fragment:
  - onprem.mlflow.attributes
  - onprem.mlflow.front_door
options:
  username:
    description: The user.
    type: str
    required: true
  password:
    description: The password until now.
    type: str
    required: true
  new_password:
    description: The new one, at least 12 characters of ASCII.
    type: str
    required: true
  timeout:
    description: For how many seconds a connection may be silent.
    type: int
    default: 60
attributes:
  check_mode:
    description: Can run in check mode, and does not ask MLflow then.
    support: full
  diff_mode:
    description: There is nothing to show but passwords.
    support: none
"""

EXAMPLES = r"""
- name: Let the administrator have another password
  onprem.mlflow.mlflow_password:
    url: http://mlflow.example.org:15000
    username: admin
    password: "{{ old_password }}"
    new_password: "{{ new_password }}"
"""

RETURN = r"""
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError
from ansible_collections.onprem.mlflow.plugins.module_utils.mlflow_rest import (
    FRONT_DOOR_OPTIONS,
    Endpoint,
    Login,
    RestClient,
    RestError,
    StatusError,
    explain,
)
from ansible_collections.onprem.mlflow.plugins.module_utils.mlflow_users import check_password, logs_in

ARGUMENT_SPEC: dict[str, Any] = {
    **FRONT_DOOR_OPTIONS,
    "username": {"type": "str", "required": True},
    "password": {"type": "str", "required": True, "no_log": True},
    "new_password": {"type": "str", "required": True, "no_log": True},
    "timeout": {"type": "int", "default": 60},
}


def advice(error: StatusError) -> str:
    """Say what to look at where MLflow refuses."""
    if error.status == 401:
        return "write the password that this user has in MLflow now into the file of the secret"
    return "look at the log of MLflow"


def change(client: RestClient, params: dict[str, Any]) -> bool:
    """Set the new password, unless it is set already."""
    username, new = params["username"], params["new_password"]
    if logs_in(client, username, new):
        return False
    if not logs_in(client, username, params["password"]):
        raise StatusError(401, "to both the old and the new password")
    # Who changes one's own has to give the old one in the request, too.
    body = {"username": username, "password": new, "current_password": params["password"]}
    client.as_user(Login(username, params["password"])).patch("users/update-password", body)
    return True


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    params = module.params
    try:
        check_password(params["username"], params["new_password"])
        endpoint = Endpoint.parse(params["url"], params["connect_address"])
        client = RestClient.of(endpoint, params)
    except InputError as exc:
        module.fail_json(msg=str(exc))
    if module.check_mode:
        module.exit_json(changed=True)
    try:
        module.exit_json(changed=change(client, params))
    except RestError as exc:
        module.fail_json(
            msg=f"The password of {params['username']!r} cannot be changed: {explain(exc, endpoint, advice)}."
        )


if __name__ == "__main__":
    main()
