#!/usr/bin/python
# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module onprem.mlflow.mlflow_smoke_test."""

from __future__ import annotations

DOCUMENTATION = r"""
module: mlflow_smoke_test
author:
  - onprem.mlflow contributors (@onprem)
version_added: 0.1.0
short_description: Log a run with an artifact to MLflow and read it back
description:
  - Makes a run in an experiment of its own, logs a parameter and a metric, uploads an artifact and lists it, reads
    all of it back, and removes the artifact and the run again, also when a step fails. The experiment stays for the
    next time.
  - Tries a wrong password, no password and a wrong host name too. All of them must be refused.
  - Fails with one sentence that names the step, what was answered and what to look at.
  - Needs nothing but Python. Proxy settings of the environment are not followed.
extends_documentation_fragment:
  - onprem.mlflow.attributes
  - onprem.mlflow.front_door
options:
  experiment:
    description: Name of the experiment. It is made where it is missing and restored where it was deleted.
    type: str
    default: onprem-smoke-test
  artifact_bytes:
    description: Size of the artifact in bytes, at least 1.
    type: int
    default: 1048576
  timeout:
    description: For how many seconds a connection may be silent.
    type: int
    default: 60
  expect_login:
    description:
      - Whether a request without a password and one with a wrong password must be answered with 401.
      - It is an error if it is true and no O(username) is given.
    type: bool
    default: true
  expect_direct_transfer:
    description: Whether clients must be sent straight to the object store with large artifacts, or must not be.
    type: bool
    default: false
  expect_host_check:
    description:
      - Whether a request for another host name must be refused, by any status other than 2xx and 3xx or by a closed
        connection.
    type: bool
    default: true
attributes:
  check_mode:
    description: Can run in check mode. Only the options are checked then, nothing is sent.
    support: full
  diff_mode:
    description: There is never a difference, since nothing is left behind.
    support: none
"""

EXAMPLES = r"""
- name: Log a run through the front door
  onprem.mlflow.mlflow_smoke_test:
    url: http://mlflow.example.org:15000
    connect_address: 127.0.0.1
    username: alice
    password: "{{ vault_alice_password }}"
"""

RETURN = r"""
run_id:
  description: Identifier of the run, which is deleted by now.
  type: str
  returned: success, except in check mode
experiment_id:
  description: Identifier of the experiment.
  type: str
  returned: success, except in check mode
artifact_bytes:
  description: Size of the artifact.
  type: int
  returned: success, except in check mode
sha256:
  description: Digest of the artifact, the same going up and coming down.
  type: str
  returned: success, except in check mode
upload_seconds:
  description: How long the upload took.
  type: float
  returned: success, except in check mode
download_seconds:
  description: How long the download took.
  type: float
  returned: success, except in check mode
total_seconds:
  description: How long all of it took.
  type: float
  returned: success, except in check mode
refused:
  description:
    - How each attempt that must fail was refused, a status or V(closed connection). The keys are C(wrong_password),
      C(no_password) and C(wrong_host); one that was not tried is missing.
  type: dict
  returned: success, except in check mode
msg:
  description: The sentence that says what failed, or that nothing was sent in check mode.
  type: str
  returned: failure or check mode
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError
from ansible_collections.onprem.mlflow.plugins.module_utils.mlflow_rest import (
    FRONT_DOOR_OPTIONS,
    FRONT_DOOR_TOGETHER,
    Endpoint,
    RestClient,
)
from ansible_collections.onprem.mlflow.plugins.module_utils.smoke_test import SmokeTest, SmokeTestError

ARGUMENT_SPEC: dict[str, Any] = {
    **FRONT_DOOR_OPTIONS,
    "experiment": {"type": "str", "default": "onprem-smoke-test"},
    "artifact_bytes": {"type": "int", "default": 1048576},
    "timeout": {"type": "int", "default": 60},
    "expect_login": {"type": "bool", "default": True},
    "expect_host_check": {"type": "bool", "default": True},
    "expect_direct_transfer": {"type": "bool", "default": False},
}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec=ARGUMENT_SPEC,
        required_together=FRONT_DOOR_TOGETHER,
        supports_check_mode=True,
    )
    params = module.params
    for name in ("artifact_bytes", "timeout"):
        if params[name] < 1:
            module.fail_json(msg=f"{name}: found {params[name]}, write at least 1.")
    if params["expect_login"] and params["username"] is None:
        module.fail_json(msg="username: is missing, write a user and a password, or expect_login: false.")
    try:
        endpoint = Endpoint.parse(params["url"], params["connect_address"])
        if module.check_mode:
            module.exit_json(changed=False, msg=f"Nothing was sent to {endpoint.connects_to} in check mode.")
        test = SmokeTest(
            RestClient.of(endpoint, params),
            params["experiment"],
            params["artifact_bytes"],
            expect_login=params["expect_login"],
            expect_host_check=params["expect_host_check"],
            expect_direct_transfer=params["expect_direct_transfer"],
        )
        outcome = test.run()
    except (InputError, SmokeTestError) as exc:
        module.fail_json(msg=str(exc))
    module.exit_json(changed=False, **outcome.as_result())


if __name__ == "__main__":
    main()
