#!/usr/bin/python
# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module onprem.mlflow.rustfs_access_key."""

from __future__ import annotations

DOCUMENTATION = r"""
module: rustfs_access_key
author:
  - onprem.mlflow contributors (@onprem)
version_added: 0.1.0
short_description: Manage an access key of RustFS and the policy that limits it
description:
  - Brings a policy, an access key, its secret, its status and the attachment of the policy to what is wanted, through
    RustFS's admin API. Whatever else is attached to the key is detached.
  - RustFS does not tell secrets. Whether a key has the given one is found out by asking for its buckets with it. The
    secret of a key that is disabled cannot be tried, and is set when the key is enabled.
  - Runs where RustFS can be reached. Proxy settings of the environment are not followed.
extends_documentation_fragment:
  - onprem.mlflow.attributes
  - onprem.mlflow.rustfs_endpoint
options:
  root_access_key:
    description: Access key of the administrator.
    type: str
    required: true
  root_secret_key:
    description: Secret key of the administrator.
    type: str
    required: true
  state:
    description:
      - With V(present), the key is as the other options say.
      - With V(absent), there is no such key, and no policy O(policy_name) either unless another key has it.
    type: str
    choices: [present, absent]
    default: present
  access_key:
    description:
      - The access key, at least 3 letters, digits and the characters C(_ . @ + -). It is an error if it is the
        administrator's.
    type: str
    required: true
  secret_key:
    description: Its secret, at least 8 characters. Required if O(state=present).
    type: str
  enabled:
    description: Whether the key can be used.
    type: bool
    default: true
  policy_name:
    description: Name of the policy. Required if O(state=present).
    type: str
  policy:
    description:
      - The policy document. Required if O(state=present). See P(onprem.mlflow.s3_bucket_policy#filter).
      - Actions must be exact names, or C(s3:*). It is an error to write a pattern such as C(s3:Get*), which RustFS
        refuses and which makes a whole import of its users fail.
    type: dict
requirements:
  - botocore, on the host that the module runs on
attributes:
  check_mode:
    description: Can run in check mode. RustFS is asked then, and nothing is changed.
    support: full
  diff_mode:
    description: Returns the policy, the status and the attachment before and after, never a secret.
    support: full
"""

EXAMPLES = r"""
- name: Limit a key to the bucket of MLflow
  onprem.mlflow.rustfs_access_key:
    endpoint_url: http://127.0.0.1:9000
    root_access_key: "{{ rustfs_root_access_key }}"
    root_secret_key: "{{ rustfs_root_secret_key }}"
    access_key: mlflow-artifacts
    secret_key: "{{ vault_mlflow_secret_key }}"
    policy_name: mlflow-artifacts
    policy: "{{ 'mlflow' | onprem.mlflow.s3_bucket_policy }}"
"""

RETURN = r"""
actions:
  description:
    - What was done, or would be in check mode, in this order. Any of V(policy written), V(key made), V(secret changed),
      V(key enabled), V(key disabled), V(policy attached), V(key removed), V(policy removed).
  type: list
  elements: str
  returned: success
"""

import json
from typing import Any

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError
from ansible_collections.onprem.mlflow.plugins.module_utils.rustfs_admin import (
    ENDPOINT_OPTIONS,
    AdminClient,
    Report,
    RustfsError,
    WantedKey,
    check_access_key,
    ensure_absent,
    ensure_present,
)

ARGUMENT_SPEC = {
    **ENDPOINT_OPTIONS,
    "root_access_key": {"type": "str", "required": True, "no_log": False},
    "root_secret_key": {"type": "str", "required": True, "no_log": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "access_key": {"type": "str", "required": True, "no_log": False},
    "secret_key": {"type": "str", "no_log": True},
    "enabled": {"type": "bool", "default": True},
    "policy_name": {"type": "str"},
    "policy": {"type": "dict"},
}
NEEDED = ("secret_key", "policy_name", "policy")


def ensure(params: dict[str, Any], dry_run: bool) -> Report:
    """Check the options, then ask and tell RustFS."""
    root = params["root_access_key"]
    present = params["state"] == "present"
    if present:
        for name in NEEDED:
            # An explicit null passes required_if.
            if params[name] is None:
                raise InputError(f"{name}: is missing, write it, or state: absent.")
        wanted = WantedKey(
            access_key=params["access_key"],
            secret_key=params["secret_key"],
            policy_name=params["policy_name"],
            policy=params["policy"],
            enabled=params["enabled"],
        )
        wanted.check(root)
    else:
        check_access_key(params["access_key"], root)
    client = AdminClient.of(params, root, params["root_secret_key"])
    if present:
        return ensure_present(client, wanted, dry_run)
    return ensure_absent(client, params["access_key"], params["policy_name"], dry_run)


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec=ARGUMENT_SPEC,
        required_if=[("state", "present", NEEDED)],
        supports_check_mode=True,
    )
    try:
        report = ensure(module.params, module.check_mode)
    except ImportError as exc:
        module.fail_json(msg=missing_required_lib("botocore"), exception=str(exc))
    except (InputError, RustfsError) as exc:
        module.fail_json(msg=str(exc))
    result: dict[str, Any] = {"changed": report.changed, "actions": report.actions}
    if module._diff:
        result["diff"] = {
            "before": json.dumps(report.before, indent=2, sort_keys=True) + "\n",
            "after": json.dumps(report.after, indent=2, sort_keys=True) + "\n",
        }
    module.exit_json(**result)


if __name__ == "__main__":
    main()
