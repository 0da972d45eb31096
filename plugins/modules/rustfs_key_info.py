#!/usr/bin/python
# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module onprem.mlflow.rustfs_key_info."""

from __future__ import annotations

DOCUMENTATION = r"""
module: rustfs_key_info
author:
  - onprem.mlflow contributors (@onprem)
version_added: 0.1.0
short_description: Try whether RustFS accepts an access key with a secret key
description:
  - RustFS does not tell secrets. Whether a key has the given one is found out by asking for its buckets with it.
  - Runs where RustFS can be reached. Proxy settings of the environment are not followed.
extends_documentation_fragment:
  - onprem.mlflow.attributes
  - onprem.mlflow.attributes.read_only
  - onprem.mlflow.rustfs_endpoint
options:
  access_key:
    description: The access key.
    type: str
    required: true
  secret_key:
    description: Its secret, as it may be.
    type: str
    required: true
requirements:
  - botocore, on the host that the module runs on
"""

EXAMPLES = r"""
- name: Try the old key
  onprem.mlflow.rustfs_key_info:
    endpoint_url: http://127.0.0.1:9000
    access_key: mlflow-artifacts
    secret_key: "{{ old_secret_key }}"
  register: old_key
"""

RETURN = r"""
accepted:
  description: Whether RustFS takes a request that is signed with them.
  type: bool
  returned: success
"""

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError
from ansible_collections.onprem.mlflow.plugins.module_utils.rustfs_admin import (
    ENDPOINT_OPTIONS,
    AdminClient,
    RustfsError,
)


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            **ENDPOINT_OPTIONS,
            "access_key": {"type": "str", "required": True, "no_log": False},
            "secret_key": {"type": "str", "required": True, "no_log": True},
        },
        supports_check_mode=True,
    )
    params = module.params
    keys = params["access_key"], params["secret_key"]
    try:
        accepted = AdminClient.of(params, *keys).secret_is(*keys)
    except ImportError as exc:
        module.fail_json(msg=missing_required_lib("botocore"), exception=str(exc))
    except (InputError, RustfsError) as exc:
        module.fail_json(msg=str(exc))
    module.exit_json(changed=False, accepted=accepted)


if __name__ == "__main__":
    main()
