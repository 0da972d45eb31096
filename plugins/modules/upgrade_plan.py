#!/usr/bin/python
# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module onprem.mlflow.upgrade_plan."""

from __future__ import annotations

DOCUMENTATION = r"""
module: upgrade_plan
author:
  - onprem.mlflow contributors (@onprem)
version_added: 0.3.0
short_description: Tell from which version to which the services of a platform would go
description:
  - Compares the images that containers of a platform were made from with those that are wanted, which must be there.
  - The programs in the images are asked for their versions, each in a container without a network.
  - It is an error if a version cannot be told, is older than what runs, or is not reached in one step.
extends_documentation_fragment:
  - onprem.mlflow.attributes
  - onprem.mlflow.attributes.read_only
options:
  project_name:
    description: Name of the compose project.
    type: str
    required: true
  images:
    description: The images that are wanted, by the name of the service. In check mode one may be missing on the server.
    type: dict
    required: true
requirements:
  - docker on the server
"""

EXAMPLES = r"""
- name: Tell what would be upgraded
  onprem.mlflow.upgrade_plan:
    project_name: mlflow
    images: {mysql: "mysql:9.7", nginx: "nginx:1.30"}
  register: plan
"""

RETURN = r"""
services:
  description: The services that have a container.
  type: list
  elements: str
  returned: success
  sample: [mlflow, mysql, nginx]
images:
  description: What the containers were made from, as it was written and as the engine knows it.
  type: list
  elements: dict
  returned: success
  sample: [{"name": "mysql:9.7", "id": "sha256:0123…"}]
steps:
  description: What each of the services goes from, and to. Those that stay are left out.
  type: list
  elements: dict
  returned: success
  contains:
    service:
      description: Name of the service.
      type: str
      returned: always
    title:
      description: Its name for people.
      type: str
      returned: always
    before:
      description: The version that runs.
      type: str
      returned: always
    after:
      description: The version that is wanted.
      type: str
      returned: always
    by_dump:
      description: Whether the data has to be dumped and restored.
      type: bool
      returned: always
missing:
  description: Services whose wanted image is not on the server, in check mode.
  type: list
  elements: str
  returned: success
"""

from functools import partial

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError
from ansible_collections.onprem.mlflow.plugins.module_utils.status_services import ask_engine, services_of
from ansible_collections.onprem.mlflow.plugins.module_utils.upgrade_plan import (
    NAMES,
    Release,
    image_id,
    plan,
    release,
    variable,
)

# A container is started to ask.
SECONDS = 300


def main() -> None:
    """Run the module."""
    ask = partial(ask_engine, seconds=SECONDS)
    module = AnsibleModule(
        argument_spec={
            "project_name": {"type": "str", "required": True},
            "images": {"type": "dict", "required": True},
        },
        supports_check_mode=True,
    )
    images = module.params["images"]
    runs = {service.name: service for service in services_of(module.params["project_name"], ask)}
    found: dict[str, Release] = {}
    wanted: dict[str, Release] = {}
    missing = []
    for service, image in images.items():
        if service not in runs:
            continue
        identity = image_id(image, ask)
        if not identity:
            missing.append(service)
        elif identity != runs[service].image_id:
            found[service] = release(service, runs[service].image, runs[service].image_id, ask)
            wanted[service] = release(service, image, identity, ask)
    if missing and not module.check_mode:
        module.fail_json(msg=f"{variable(missing[0])}: the image {images[missing[0]]} is not on the server, pull it.")
    try:
        steps = plan(found, wanted)
    except InputError as exc:
        module.fail_json(msg=str(exc))
    made_from = sorted({(service.image, service.image_id) for service in runs.values()})
    module.exit_json(
        changed=False,
        services=sorted(runs),
        images=[{"name": name, "id": identity} for name, identity in made_from],
        steps=[
            {
                "service": step.service,
                "title": NAMES[step.service],
                "before": step.before.version,
                "after": step.after.version,
                "by_dump": step.by_dump,
            }
            for step in steps
        ],
        missing=missing,
    )


if __name__ == "__main__":
    main()
