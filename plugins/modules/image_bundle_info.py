#!/usr/bin/python
# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: image_bundle_info
short_description: Find images in a folder of image archives
version_added: 0.1.0
description:
  - Fails with a sentence for each image that the folder cannot give.
  - Runs on the machine that has the folder, which is the controller.
author:
  - onprem.mlflow contributors (@onprem)
extends_documentation_fragment:
  - onprem.mlflow.attributes
  - onprem.mlflow.attributes.read_only
options:
  folder:
    description: The folder that C(playbooks/bundle.yml) made.
    type: path
    required: true
  images:
    description: The images, by name and tag.
    type: list
    elements: str
    required: true
  verify:
    description: Whether the archives are read to see that they are what the index says.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Find nginx
  onprem.mlflow.image_bundle_info:
    folder: /srv/bundle
    images: ["nginx:1.30"]
  delegate_to: localhost
  register: bundle
"""

RETURN = r"""
archives:
  description: The archive of each image.
  returned: success
  type: dict
  contains:
    path:
      description: Path of the archive.
      type: str
      returned: success
    ids:
      description: What engines call the image once it is loaded.
      type: list
      elements: str
      returned: success
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError
from ansible_collections.onprem.mlflow.plugins.module_utils.image_bundle import damaged, missing, read_index


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "folder": {"type": "path", "required": True},
            "images": {"type": "list", "elements": "str", "required": True},
            "verify": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    folder = Path(module.params["folder"])
    images = module.params["images"]
    try:
        archives = read_index(folder)
    except InputError as exc:
        module.fail_json(msg=str(exc))
    problems = missing(folder, archives, images)
    if not problems and module.params["verify"]:
        problems = damaged(folder, archives, images)
    if problems:
        module.fail_json(msg="\n".join(problems), problems=problems)
    module.exit_json(
        changed=False,
        archives={image: {"path": str(folder / archives[image].file), "ids": archives[image].ids} for image in images},
    )


if __name__ == "__main__":
    main()
