#!/usr/bin/python
# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module onprem.mlflow.platform_versions."""

from __future__ import annotations

DOCUMENTATION = r"""
module: platform_versions
author:
  - onprem.mlflow contributors (@onprem)
version_added: 0.3.0
short_description: Tell which images the services of a platform were made from
description:
  - Asks the engine only. Where there is none, or no platform, nothing is found.
extends_documentation_fragment:
  - onprem.mlflow.attributes
  - onprem.mlflow.attributes.read_only
options:
  project_name:
    description: Name of the compose project.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Find what the services were made from
  onprem.mlflow.platform_versions:
    project_name: mlflow
  register: versions
"""

RETURN = r"""
images:
  description: The image of each service that has a container, as it was written.
  type: dict
  returned: success
  sample: {"mysql": "mysql:9.7"}
mlflow_version:
  description: The version of MLflow, as its image has it. Empty where there is none.
  type: str
  returned: success
  sample: 3.17.2
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.onprem.mlflow.plugins.module_utils.status_services import ask_engine, services_of


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={"project_name": {"type": "str", "required": True}},
        supports_check_mode=True,
    )
    services = {service.name: service for service in services_of(module.params["project_name"], ask_engine)}
    mlflow = services.get("mlflow")
    module.exit_json(
        changed=False,
        images={name: service.image for name, service in services.items()},
        mlflow_version=mlflow.labels.get("onprem.mlflow.version", "") if mlflow else "",
    )


if __name__ == "__main__":
    main()
