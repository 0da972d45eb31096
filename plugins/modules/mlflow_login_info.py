#!/usr/bin/python
# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module onprem.mlflow.mlflow_login_info."""

from __future__ import annotations

DOCUMENTATION = r"""
module: mlflow_login_info
author:
  - onprem.mlflow contributors (@onprem)
version_added: 0.1.0
short_description: Try whether a user gets in with a password
description:
  - Asks MLflow's API as that user, at the proxy or at MLflow itself.
  - Needs nothing but Python. Proxy settings of the environment are not followed.
extends_documentation_fragment:
  - onprem.mlflow.attributes
  - onprem.mlflow.attributes.read_only
  - onprem.mlflow.front_door
options:
  username:
    description: The user.
    type: str
    required: true
  password:
    description: The password, as it may be.
    type: str
    required: true
  timeout:
    description: For how many seconds a connection may be silent.
    type: int
    default: 60
"""

EXAMPLES = r"""
- name: Try the old password
  onprem.mlflow.mlflow_login_info:
    url: http://mlflow.example.org:15000
    username: anna
    password: "{{ old_password }}"
  register: old_login
"""

RETURN = r"""
accepted:
  description: Whether the user got in. Only the answer 401 says no; any other one than 200 is an error.
  type: bool
  returned: success
"""

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

ARGUMENT_SPEC: dict[str, Any] = {
    **FRONT_DOOR_OPTIONS,
    "username": {"type": "str", "required": True},
    "password": {"type": "str", "required": True, "no_log": True},
    "timeout": {"type": "int", "default": 60},
}


def advice(error: StatusError) -> str:
    """Say what to look at where there is neither yes nor no."""
    if error.status == 429:
        return "too many wrong passwords came from this address, run this again in a minute"
    return "look at what answers there"


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    params = module.params
    try:
        endpoint = Endpoint.parse(params["url"], params["connect_address"])
        client = RestClient.of(endpoint, params)
    except InputError as exc:
        module.fail_json(msg=str(exc))
    try:
        # Something that every user may ask.
        module.exit_json(changed=False, accepted=client.lets_in("experiments/search", {"max_results": 1}))
    except RestError as exc:
        module.fail_json(msg=f"The login of {params['username']!r} cannot be tried: {explain(exc, endpoint, advice)}.")


if __name__ == "__main__":
    main()
