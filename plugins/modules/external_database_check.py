#!/usr/bin/python
# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module onprem.mlflow.external_database_check."""

from __future__ import annotations

DOCUMENTATION = r"""
module: external_database_check
author:
  - onprem.mlflow contributors (@onprem)
version_added: 0.1.0
short_description: Check that a database is there and is what MLflow needs
description:
  - Asks the database from a container of MLflow's image, with the driver and over the way that MLflow takes, and fails
    with one sentence that says what to write where something is wrong.
  - Tries the way to it, TLS, the login, the version, the character set, the tables that are there, and every privilege
    that MLflow's schema needs. Nothing is left behind; in MySQL two tables with names of their own come and go.
  - The password goes by standard input, so no command line and no setting of a container shows it.
  - Needs the image on the server. Where it is missing nothing is asked, and RV(checked) is false.
extends_documentation_fragment:
  - onprem.mlflow.attributes.read_only
options:
  image:
    description: MLflow's image, as role mlflow builds it.
    type: str
    required: true
  connection:
    description: The database.
    type: dict
    required: true
    suboptions:
      dialect:
        description: SQL dialect.
        type: str
        choices: [mysql, postgresql]
        required: true
      driver:
        description: Python driver.
        type: str
        required: true
      host:
        description: Host name or address.
        type: str
        required: true
      port:
        description: Port.
        type: int
        required: true
      name:
        description: Name of the database.
        type: str
        required: true
      user:
        description: User.
        type: str
        required: true
      password:
        description: Password of the user.
        type: str
        required: true
      query:
        description: Parameters of the driver.
        type: dict
        default: {}
  ca_certificate:
    description: Certificates to trust, in PEM form, as text. They are written to O(ca_path) in the container.
    type: str
  ca_path:
    description: Where O(connection.query) says that the certificates are.
    type: str
    default: /etc/mlflow-platform/database_ca.pem
  network:
    description:
      - Docker network that the container joins, for a database in a container on this server. It is an error if there
        is no such network.
    type: str
  variable:
    description: The option that the operator sets, for messages.
    type: str
    default: mlflow_database
attributes:
  platform:
    description: Platforms the module runs on.
    platforms: linux
    support: full
"""

EXAMPLES = r"""
- name: Check the database for MLflow
  onprem.mlflow.external_database_check:
    image: onprem/mlflow:3.17.2-0123456789ab
    connection:
      dialect: postgresql
      driver: psycopg
      host: db.example.org
      port: 5432
      name: mlflow
      user: mlflow
      password: "{{ vault_database_password }}"
      query: {sslmode: require}
"""

RETURN = r"""
checked:
  description: Whether the database was asked, which needs the image on the server.
  type: bool
  returned: success
"""

import json
from pathlib import PurePosixPath
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.onprem.mlflow.plugins.module_utils.database_uri import database_uri
from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError
from ansible_collections.onprem.mlflow.plugins.module_utils.external_database import database_problem

PROGRAM = "/opt/mlflow/onprem/database_check.py"
ARGUMENT_SPEC: dict[str, Any] = {
    "image": {"type": "str", "required": True},
    "connection": {
        "type": "dict",
        "required": True,
        "options": {
            "dialect": {"type": "str", "choices": ["mysql", "postgresql"], "required": True},
            "driver": {"type": "str", "required": True},
            "host": {"type": "str", "required": True},
            "port": {"type": "int", "required": True},
            "name": {"type": "str", "required": True},
            "user": {"type": "str", "required": True},
            "password": {"type": "str", "required": True, "no_log": True},
            "query": {"type": "dict", "default": {}},
        },
    },
    "ca_certificate": {"type": "str"},
    "ca_path": {"type": "str", "default": "/etc/mlflow-platform/database_ca.pem"},
    "network": {"type": "str"},
    "variable": {"type": "str", "default": "mlflow_database"},
}


def command(docker: str, params: dict[str, Any]) -> list[str]:
    """Return the command of the container that asks."""
    folder = PurePosixPath(params["ca_path"]).parent
    return [
        *(docker, "run", "--rm", "--interactive", "--pull=never", f"--network={params['network'] or 'bridge'}"),
        *("--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges:true"),
        *("--tmpfs=/tmp", f"--tmpfs={folder}:mode=1777", params["image"], "python3", PROGRAM),
    ]


def check_network(module: AnsibleModule, docker: str | None) -> None:
    """Raise InputError where there is no such network."""
    network = module.params["network"]
    if network and (docker is None or module.run_command([docker, "network", "inspect", network])[0] != 0):
        raise InputError(
            f"{module.params['variable']}.network: found {network!r}, but this server's engine has no network of that"
            " name, write one that `docker network ls` shows there, or remove the line."
        )


def ask(module: AnsibleModule, docker: str) -> dict[str, Any]:
    """Run the program in the container and return what it found."""
    params = module.params
    request = {
        "uri": database_uri(params["connection"]),
        "ca_path": params["ca_path"],
        "ca_certificate": params["ca_certificate"],
    }
    status, out, err = module.run_command(command(docker, params), data=json.dumps(request))
    if status != 0:
        last = (err.strip().splitlines() or ["it said nothing"])[-1]
        raise InputError(f"{params['variable']}: cannot be checked, the program that asks the database ended: {last}")
    answer: dict[str, Any] = json.loads(out)
    return answer


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    params = module.params
    docker = module.get_bin_path("docker")
    try:
        check_network(module, docker)
        if docker is None or module.run_command([docker, "image", "inspect", params["image"]])[0] != 0:
            module.exit_json(changed=False, checked=False)
        problem = database_problem(params["variable"], params["connection"], ask(module, docker))
    except InputError as exc:
        problem = str(exc)
    if problem:
        module.fail_json(msg=problem)
    module.exit_json(changed=False, checked=True)


if __name__ == "__main__":
    main()
