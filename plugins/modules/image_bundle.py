#!/usr/bin/python
# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: image_bundle
short_description: Write the index of a folder of image archives
version_added: 0.1.0
description:
  - Reads each archive of a folder, and writes their names, identities, digests and checksums to C(index.json).
  - The archives are there already, as M(community.docker.docker_image_export) writes them.
author:
  - onprem.mlflow contributors (@onprem)
extends_documentation_fragment:
  - onprem.mlflow.attributes
attributes:
  check_mode:
    description: Can run in check mode and return what would change, where the archives are there.
    support: full
  diff_mode:
    description: Returns the old and the new index.
    support: full
options:
  folder:
    description: The folder.
    type: path
    required: true
  images:
    description: The images that it holds, each with its archive.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name with tag, as options hold it.
        type: str
        required: true
      file:
        description: Name of its archive in the folder.
        type: str
        required: true
      digest:
        description: What a registry calls it, where it came from one.
        type: str
        default: ''
"""

EXAMPLES = r"""
- name: Write the index
  onprem.mlflow.image_bundle:
    folder: /srv/bundle
    images:
      - name: nginx:1.30
        file: nginx_1.30.tar
"""

RETURN = r"""
images:
  description: What the index says.
  returned: always
  type: list
  elements: dict
"""

from dataclasses import asdict
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError
from ansible_collections.onprem.mlflow.plugins.module_utils.image_bundle import INDEX, describe, index_text


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "folder": {"type": "path", "required": True},
            "images": {
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": {
                    "name": {"type": "str", "required": True},
                    "file": {"type": "str", "required": True},
                    "digest": {"type": "str", "default": ""},
                },
            },
        },
        supports_check_mode=True,
    )
    folder = Path(module.params["folder"])
    try:
        archives = [
            describe(folder, image["name"], image["file"], image["digest"]) for image in module.params["images"]
        ]
    except InputError as exc:
        module.fail_json(msg=str(exc))

    path = folder / INDEX
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    after = index_text(archives)
    if after != before and not module.check_mode:
        written = path.with_name(f".{INDEX}")
        written.write_text(after, encoding="utf-8")
        module.atomic_move(str(written), str(path))
    module.exit_json(
        changed=after != before,
        images=[asdict(archive) for archive in archives],
        diff={"before": before, "after": after, "before_header": str(path), "after_header": str(path)},
    )


if __name__ == "__main__":
    main()
