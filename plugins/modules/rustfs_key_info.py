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
options:
  endpoint_url:
    description:
      - Address of RustFS, without a path. It is an error if it is not an HTTP address.
    type: str
    required: true
  region:
    description: Region that requests are signed for, C(RUSTFS_REGION) of the server.
    type: str
    default: us-east-1
  validate_certs:
    description: Whether the certificate of an HTTPS address must be right.
    type: bool
    default: true
  ca_path:
    description: File with the certificates to trust, in PEM form. Those that botocore brings where it is left out.
    type: path
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
    AdminClient,
    BotocoreTransport,
    RustfsError,
)


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "endpoint_url": {"type": "str", "required": True},
            "region": {"type": "str", "default": "us-east-1"},
            "validate_certs": {"type": "bool", "default": True},
            "ca_path": {"type": "path"},
            "access_key": {"type": "str", "required": True, "no_log": False},
            "secret_key": {"type": "str", "required": True, "no_log": True},
        },
        supports_check_mode=True,
    )
    params = module.params
    verify = (params["ca_path"] or True) if params["validate_certs"] else False
    keys = params["access_key"], params["secret_key"]
    try:
        client = AdminClient(params["endpoint_url"], *keys, BotocoreTransport(params["region"], verify))
        accepted = client.secret_is(*keys)
    except ImportError as exc:
        module.fail_json(msg=missing_required_lib("botocore"), exception=str(exc))
    except (InputError, RustfsError) as exc:
        module.fail_json(msg=str(exc))
    module.exit_json(changed=False, accepted=accepted)


if __name__ == "__main__":
    main()
