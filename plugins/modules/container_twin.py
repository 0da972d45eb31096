#!/usr/bin/python
# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module onprem.mlflow.container_twin."""

from __future__ import annotations

DOCUMENTATION = r"""
module: container_twin
author:
  - onprem.mlflow contributors (@onprem)
version_added: 0.2.0
short_description: Run a second container like one that runs, with other variables and files
description:
  - Starts a container with the image, command, limits, folders and health check of another one, and waits until it is
    healthy. It publishes no port, and is no service of a compose project, so that C(docker compose) leaves it alone.
  - One that runs, and was made of the same, is left as it is. Otherwise it is made anew, unless O(replace=false).
  - The other container is not touched.
  - It is an error if the other container is missing, or has no file at a path of O(files).
extends_documentation_fragment:
  - onprem.mlflow.attributes
options:
  name:
    description: Name of the container to run. Others reach it under this name in its networks.
    type: str
    required: true
  of:
    description: Name of the container that it is to be like. Needed with O(state=started).
    type: str
  environment:
    description: Variables that are to have another value. One without a value is left out.
    type: dict
    default: {}
  files:
    description: Files of the server to mount instead, by the path that the container has them at.
    type: dict
    default: {}
  content:
    description: Text that says what is in O(files), such as a digest. With another one the container is made anew.
    type: str
    default: ''
  networks:
    description: Networks that it joins. Needed with O(state=started).
    type: list
    elements: str
  replace:
    description: Whether one that runs and was made of something else is made anew.
    type: bool
    default: true
  state:
    description: Whether it runs and is healthy, or is not there.
    type: str
    choices: [started, absent]
    default: started
  timeout:
    description: For how many seconds it may take to be healthy.
    type: int
    default: 180
requirements:
  - Docker Engine on the server, at /var/run/docker.sock
attributes:
  check_mode:
    description: Says whether it would be made or removed.
    support: full
  diff_mode:
    description: There is no difference to show.
    support: none
"""

EXAMPLES = r"""
- name: Start a second MLflow with another object store
  onprem.mlflow.container_twin:
    name: mlflow-mlflow-standby
    of: mlflow-mlflow-1
    environment:
      MLFLOW_S3_ENDPOINT_URL: http://rustfs:9000
      AWS_CA_BUNDLE:
    files:
      /run/secrets/mlflow_s3_secret_key: /opt/mlflow/migration/standby/secret_key
    networks: [mlflow_back]

- name: Remove it
  onprem.mlflow.container_twin:
    name: mlflow-mlflow-standby
    state: absent
"""

RETURN = r"""
log:
  description: The last lines that a container wrote that did not become healthy.
  returned: failure, where it was started
  type: str
"""

import time
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.onprem.mlflow.plugins.module_utils.container_twin import digest_of, twin_of
from ansible_collections.onprem.mlflow.plugins.module_utils.docker_api import Docker, DockerError
from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError

LOG_LINES = 40
POLL_SECONDS = 0.5


def body_of(params: dict[str, Any], docker: Docker) -> dict[str, Any]:
    """Return what is to be started."""
    other = docker.container(params["of"])
    if other is None:
        raise InputError(f"of: there is no container {params['of']!r}, write the name of one that is there.")
    variables = {name: None if value is None else str(value) for name, value in params["environment"].items()}
    try:
        return twin_of(other, variables, params["files"], params["networks"], params["content"])
    except KeyError as exc:
        raise InputError(f"files: {params['of']!r} has no file at {exc.args[0]!r}, write a path that it has.") from exc


def is_healthy(found: dict[str, Any]) -> bool:
    """Tell whether a container runs, and answers where it has a health check."""
    state = found["State"]
    return bool(state["Running"]) and (state.get("Health") or {"Status": "healthy"})["Status"] == "healthy"


def start(params: dict[str, Any], docker: Docker, body: dict[str, Any]) -> None:
    """Make and start it."""
    name, networks = params["name"], params["networks"]
    docker.ask("POST", f"/containers/create?name={name}", body)
    # Engines before 25.0 take one network only when a container is made.
    for network in networks[1:]:
        docker.ask("POST", f"/networks/{network}/connect", {"Container": name})
    docker.ask("POST", f"/containers/{name}/start")


def wait(module: AnsibleModule, docker: Docker) -> None:
    """Wait until it is healthy, or end with what it says."""
    name, timeout = module.params["name"], module.params["timeout"]
    until = time.monotonic() + timeout
    while not is_healthy(docker.container(name) or {"State": {"Running": False}}):
        if time.monotonic() > until:
            _status, out, err = module.run_command(
                [module.get_bin_path("docker", required=True), "logs", f"--tail={LOG_LINES}", name]
            )
            docker.ask("DELETE", f"/containers/{name}?force=true")
            module.fail_json(msg=f"{name} did not become healthy within {timeout} s.", log=out + err)
        time.sleep(POLL_SECONDS)


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "of": {"type": "str"},
            "environment": {"type": "dict", "default": {}},
            "files": {"type": "dict", "default": {}},
            "content": {"type": "str", "default": ""},
            "networks": {"type": "list", "elements": "str"},
            "replace": {"type": "bool", "default": True},
            "state": {"type": "str", "choices": ["started", "absent"], "default": "started"},
            "timeout": {"type": "int", "default": 180},
        },
        required_if=[("state", "started", ["of", "networks"])],
        supports_check_mode=True,
    )
    params, docker = module.params, Docker()
    try:
        found = docker.container(params["name"])
        body = body_of(params, docker) if params["state"] == "started" else None
        runs = bool(found and found["State"]["Running"])
        same = bool(found and body and digest_of(found["Config"]) == digest_of(body))
        changed = bool(found) if body is None else not (runs and (same or not params["replace"]))
        if changed and not module.check_mode:
            if found:
                # Its running requests may end first.
                docker.ask("POST", f"/containers/{params['name']}/stop")
                docker.ask("DELETE", f"/containers/{params['name']}?force=true")
            if body:
                start(params, docker, body)
        if body and not module.check_mode:
            wait(module, docker)
    except (InputError, DockerError) as exc:
        module.fail_json(msg=str(exc))
    module.exit_json(changed=changed)


if __name__ == "__main__":
    main()
