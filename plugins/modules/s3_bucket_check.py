#!/usr/bin/python
# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module onprem.mlflow.s3_bucket_check."""

from __future__ import annotations

DOCUMENTATION = r"""
module: s3_bucket_check
author:
  - onprem.mlflow contributors (@onprem)
version_added: 0.1.0
short_description: Check that a bucket is there and that a key may list, read and write in it
description:
  - Asks the store from the server, and fails with one sentence that says what to write where something is wrong.
  - Nothing is left behind. Reading is tried with an object that does not exist, writing with an upload in parts that is
    called off.
  - Needs boto3 on the server. Where it is missing nothing is asked, and RV(checked) is false.
extends_documentation_fragment:
  - onprem.mlflow.attributes.read_only
options:
  endpoint_url:
    description: Address of the S3 API, without a path. It is an error if it is not an HTTP address.
    type: str
    required: true
  region:
    description: Region that requests are signed with.
    type: str
    default: us-east-1
  access_key:
    description: The access key.
    type: str
    required: true
  secret_key:
    description: The secret key that belongs to it.
    type: str
    required: true
  ca_certificate:
    description:
      - Certificates to trust, in PEM form, as text. Those that botocore brings where it is left out.
    type: str
  bucket:
    description: Name of the bucket.
    type: str
    required: true
  prefix:
    description: Prefix below which MLflow keeps artifacts, without a slash at its ends. Empty for none.
    type: str
    default: ''
  network:
    description:
      - Docker network whose names are known while the store is asked, for a store in a container on this server. It is
        an error if there is no such network.
    type: str
  variable:
    description: The option that the operator sets, for messages.
    type: str
    default: mlflow_s3
attributes:
  platform:
    description: Platforms the module runs on.
    platforms: linux
    support: full
"""

EXAMPLES = r"""
- name: Check the bucket for artifacts
  onprem.mlflow.s3_bucket_check:
    endpoint_url: https://s3.example.org
    access_key: mlflow-artifacts
    secret_key: "{{ vault_s3_secret_key }}"
    bucket: mlflow
    prefix: artifacts
"""

RETURN = r"""
checked:
  description: Whether the store was asked, which needs boto3 on the server.
  type: bool
  returned: success
"""

import importlib.util
import tempfile
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError
from ansible_collections.onprem.mlflow.plugins.module_utils.s3_bucket_check import (
    addresses_on_network,
    bucket_problem,
    names_known,
)
from ansible_collections.onprem.mlflow.plugins.module_utils.s3_store import client, store_of

ARGUMENT_SPEC: dict[str, Any] = {
    "endpoint_url": {"type": "str", "required": True},
    "region": {"type": "str", "default": "us-east-1"},
    "access_key": {"type": "str", "required": True, "no_log": False},
    "secret_key": {"type": "str", "required": True, "no_log": True},
    "ca_certificate": {"type": "str"},
    "bucket": {"type": "str", "required": True},
    "prefix": {"type": "str", "default": ""},
    "network": {"type": "str"},
    "variable": {"type": "str", "default": "mlflow_s3"},
}


def names_on(module: AnsibleModule, network: str, variable: str) -> dict[str, str]:
    """Return the names of containers on a network of this server's engine, with their addresses."""
    docker = module.get_bin_path("docker")
    missing = InputError(
        f"{variable}.network: found {network!r}, but this server's engine has no network of that name,"
        " write one that `docker network ls` shows there, or remove the line."
    )
    if docker is None:
        raise missing
    status, out, _err = module.run_command(
        [docker, "network", "inspect", "--format", "{{range $id, $_ := .Containers}}{{$id}} {{end}}", network]
    )
    if status != 0:
        raise missing
    containers = out.split()
    if not containers:
        return {}
    _status, out, _err = module.run_command([docker, "container", "inspect", *containers], check_rc=True)
    return addresses_on_network(network, out)


def check(module: AnsibleModule, certificate: str | None) -> str | None:
    """Return what is wrong, or None."""
    params = module.params
    variable = params["variable"]
    store = store_of({**params, "ca_certificate": certificate}, variable)
    addresses = names_on(module, params["network"], variable) if params["network"] else {}
    with names_known(addresses):
        problem = bucket_problem(client(store, connections=1), store, params["bucket"], params["prefix"], variable)
    if problem:
        # The operator gave text and knows no file.
        problem = problem.replace(repr(certificate), "what is there")
        problem = problem.replace("the path of a PEM file on this server", "the PEM text of the certificate")
    return problem


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    if importlib.util.find_spec("boto3") is None:
        module.exit_json(changed=False, checked=False)
    try:
        if module.params["ca_certificate"]:
            with tempfile.TemporaryDirectory(dir=module.tmpdir) as folder:
                path = Path(folder) / "ca.pem"
                path.write_text(module.params["ca_certificate"], encoding="utf-8")
                problem = check(module, str(path))
        else:
            problem = check(module, None)
    except InputError as exc:
        problem = str(exc)
    if problem:
        module.fail_json(msg=problem)
    module.exit_json(changed=False, checked=True)


if __name__ == "__main__":
    main()
