#!/usr/bin/python
# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: image_publish_check
short_description: See that an image can be built for some platforms and pushed, before that is begun
version_added: 0.1.0
description:
  - Looks for the engine, for Docker's plugin buildx and for its current builder.
  - Lets the builder run a program of the base image on each platform, and push the bytes that come out under no tag.
  - Fails with a sentence that says what to write or do instead.
  - The engine's own builder, of the driver V(docker), pushes nothing without a tag. With it no registry is asked.
author:
  - onprem.mlflow contributors (@onprem)
options:
  name:
    description: Registry and name of the image, without tag.
    type: str
    required: true
  platforms:
    description: Platforms that it is to be built for.
    type: list
    elements: str
    required: true
  base_image:
    description: The image that it is built on, a Debian.
    type: str
    required: true
  docker_host:
    description: Where the engine listens.
    type: str
    default: unix:///var/run/docker.sock
extends_documentation_fragment:
  - onprem.mlflow.attributes
attributes:
  check_mode:
    description: Can run in check mode.
    details: Then it neither starts a builder nor lets it build and push.
    support: partial
  diff_mode:
    description: What it pushes has no name, so there is no difference to show.
    support: N/A
"""

EXAMPLES = r"""
- name: See that the image can be published
  onprem.mlflow.image_publish_check:
    name: registry.example.org:5000/mlflow
    platforms: [linux/amd64, linux/arm64]
    base_image: python:3.13-slim
  delegate_to: localhost
"""

RETURN = r"""
driver:
  description: Driver of the builder.
  returned: success
  type: str
  sample: docker-container
"""

import tempfile
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule, env_fallback
from ansible_collections.onprem.mlflow.plugins.module_utils import buildx
from ansible_collections.onprem.mlflow.plugins.module_utils.docker_engine import find_engine
from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError


def find_builder(module: AnsibleModule, docker: list[str]) -> str:
    """Return the driver of the builder, which is started where it does not run."""
    if module.run_command([*docker, "buildx", "version"])[0] != 0:
        raise InputError(
            "The command docker of the controller has no plugin buildx, install the package docker-buildx of the"
            " distribution or docker-buildx-plugin of Docker."
        )
    start = [] if module.check_mode else ["--bootstrap"]
    status, out, err = module.run_command([*docker, "buildx", "inspect", *start])
    if status != 0:
        raise InputError(
            f"The builder of buildx does not answer, make another with `docker buildx create --use`:"
            f" {buildx.last_error(err)}."
        )
    return buildx.driver(out)


def build_and_push(module: AnsibleModule, docker: list[str], driver: str) -> None:
    """Raise InputError where the builder or the registry would not do it."""
    name, platforms, base = (module.params[key] for key in ("name", "platforms", "base_image"))
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "Dockerfile").write_text(buildx.recipe(base), encoding="utf-8")
        status, _out, err = module.run_command([*docker, *buildx.trial(name, platforms, folder, driver)])
    if status != 0:
        raise InputError(buildx.explain(err, name, base, platforms))


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "platforms": {"type": "list", "elements": "str", "required": True},
            "base_image": {"type": "str", "required": True},
            "docker_host": {
                "type": "str",
                "default": "unix:///var/run/docker.sock",
                "fallback": (env_fallback, ["DOCKER_HOST"]),
            },
        },
        supports_check_mode=True,
    )
    command = module.get_bin_path("docker")
    docker = [command or "", "--host", module.params["docker_host"]]
    try:
        if find_engine(command, lambda words: module.run_command([*docker, *words[1:]])).engine_version is None:
            raise InputError(
                "The controller has no Docker engine that you may use, install or start one there,"
                " or run the playbook where there is one."
            )
        driver = find_builder(module, docker)
        if not module.check_mode:
            build_and_push(module, docker, driver)
    except InputError as exc:
        module.fail_json(msg=str(exc))
    module.exit_json(changed=False, driver=driver)


if __name__ == "__main__":
    main()
