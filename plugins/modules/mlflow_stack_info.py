#!/usr/bin/python
# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module onprem.mlflow.mlflow_stack_info."""

from __future__ import annotations

DOCUMENTATION = r"""
module: mlflow_stack_info
author:
  - onprem.mlflow contributors (@onprem)
version_added: 0.1.0
short_description: Find MLflow, its database and its object store in a compose project
description:
  - Reads the containers of a compose project that somebody made, running or stopped, and finds out which of them is
    MLflow's server, which its database and which the object store of its artifacts, and with what each is logged in to.
  - Values come from the command of MLflow's process where it runs, else from the command that its container is started
    with, and from variables, those ending in C(_FILE) included.
  - What is in the way is not an error, but a sentence in RV(stack.problems).
  - The result holds secrets, so B(the task needs) C(no_log=true).
extends_documentation_fragment:
  - onprem.mlflow.attributes
  - onprem.mlflow.attributes.read_only
options:
  project:
    description: Name of the compose project, or the folder of its compose file.
    type: str
    required: true
  mlflow_container:
    description: Container or service of MLflow's server. Found where it is left out.
    type: str
  artifacts:
    description: Where the artifacts are, V(s3://BUCKET/PREFIX). Found where it is left out.
    type: str
  database:
    description: What is known of the database. It wins over what is found.
    type: dict
    suboptions:
      container:
        description: Its container or service.
        type: str
      engine:
        description: The engine.
        type: str
        choices: [mysql, postgres]
      name:
        description: Name of the database.
        type: str
      username:
        description: User who reads all of it.
        type: str
      password:
        description: Password of the user.
        type: str
  store:
    description: What is known of the object store. It wins over what is found.
    type: dict
    suboptions:
      container:
        description: Its container or service.
        type: str
      endpoint_url:
        description: Address of the S3 API, as MLflow's container uses it.
        type: str
      region:
        description: Region that requests are signed with.
        type: str
      access_key:
        description: Access key that reads and writes the artifacts.
        type: str
      secret_key:
        description: Secret key that belongs to it.
        type: str
"""

EXAMPLES = r"""
- name: Look at the old stack
  onprem.mlflow.mlflow_stack_info:
    project: /srv/mlflow
  register: old
  no_log: true
"""

RETURN = r"""
stack:
  description: What was found. Parts that were not found are empty, and RV(stack.problems) says why.
  type: dict
  returned: success
  contains:
    project:
      description: Name of the project.
      type: str
    folder:
      description: Folder of its compose file.
      type: str
    containers:
      description: All its containers, each with C(name), C(service), C(image), C(running) and C(restart).
      type: list
      elements: dict
    mlflow:
      description:
        - C(containers) of MLflow's server, whether one is C(running), its C(version) (empty where none runs),
          C(artifacts_destination) and C(default_artifact_root).
      type: dict
    database:
      description: C(container), C(engine), C(name), C(username), C(password), C(running), C(restart).
      type: dict
    store:
      description:
        - C(container) (empty for somebody else's S3), C(kind) (C(minio), C(rustfs) or C(s3)), C(running), C(restart),
          C(network), C(endpoint_url) for containers on that network, C(server_endpoint_url) as the server itself
          does, C(ca_certificate) (a file, or empty), C(region), C(access_key) and C(secret_key) of MLflow,
          C(root_access_key) and C(root_secret_key) of the administrator where they are known, else MLflow's.
      type: dict
    artifacts:
      description: C(bucket) and C(prefix).
      type: dict
    problems:
      description: One sentence for each thing in the way, with the option to write.
      type: list
      elements: str
"""

import json
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError
from ansible_collections.onprem.mlflow.plugins.module_utils.mlflow_stack import PROJECT_LABEL, Reader, Told, of_project

DATABASE_SPEC = {
    "container": {"type": "str"},
    "engine": {"type": "str", "choices": ["mysql", "postgres"]},
    "name": {"type": "str"},
    "username": {"type": "str"},
    "password": {"type": "str", "no_log": True},
}
STORE_SPEC = {
    "container": {"type": "str"},
    "endpoint_url": {"type": "str"},
    "region": {"type": "str"},
    "access_key": {"type": "str", "no_log": False},
    "secret_key": {"type": "str", "no_log": True},
}
VERSION_PROGRAM = "import importlib.metadata as m; print(m.version('mlflow'))"


def read_file(path: str) -> str | None:
    """Return a file's text, None where it cannot be read."""
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None


class Docker:
    """Asks the engine."""

    def __init__(self, module: AnsibleModule) -> None:
        """Take the module that runs commands."""
        self._module = module
        self._docker = module.get_bin_path("docker")

    def output(self, *words: str) -> str | None:
        """Return what a command of docker prints, None where it fails."""
        if self._docker is None:
            raise InputError("This server has no command docker, so no compose project either.")
        status, out, _err = self._module.run_command([self._docker, *words])
        return out if status == 0 else None

    def inspect(self) -> list[dict[str, Any]]:
        """Inspect all containers that compose made."""
        out = self.output("ps", "--all", "--quiet", "--no-trunc", "--filter", f"label={PROJECT_LABEL}")
        if out is None:
            raise InputError("Docker does not answer on this server, start it.")
        items: list[dict[str, Any]] = []
        for container_id in out.split():
            # One by one: a container may go meanwhile.
            items += json.loads(self.output("inspect", "--type", "container", container_id) or "[]")
        return items

    def processes(self, name: str) -> list[str]:
        """Return the command lines in a container, none where it does not run."""
        out = self.output("top", name, "-eo", "pid,args") or ""
        return [line.strip().partition(" ")[2].strip() for line in out.splitlines()[1:]]

    def mlflow_version(self, name: str) -> str:
        """Return the version of MLflow in a container, empty where it does not tell."""
        for python in ("python3", "python"):
            out = self.output("exec", name, python, "-c", VERSION_PROGRAM)
            if out:
                return out.strip()
        return ""


def look(docker: Docker, params: dict[str, Any]) -> dict[str, Any]:
    """Read the stack."""
    containers = of_project(docker.inspect(), params["project"])
    told = Told(
        mlflow_container=params["mlflow_container"],
        artifacts=params["artifacts"],
        database=params["database"] or {},
        store=params["store"] or {},
    )
    processes = {item.name: docker.processes(item.name) for item in containers if item.running}
    stack = Reader(containers, told, read_file).read(params["project"], processes)
    running = [item.name for item in stack.mlflow if item.running]
    stack.mlflow_settings["version"] = docker.mlflow_version(running[0]) if running else ""
    return stack.as_result()


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "project": {"type": "str", "required": True},
            "mlflow_container": {"type": "str"},
            "artifacts": {"type": "str"},
            "database": {"type": "dict", "options": DATABASE_SPEC},
            "store": {"type": "dict", "options": STORE_SPEC},
        },
        supports_check_mode=True,
    )
    try:
        stack = look(Docker(module), module.params)
    except InputError as exc:
        module.fail_json(msg=str(exc))
    module.exit_json(changed=False, stack=stack)


if __name__ == "__main__":
    main()
