#!/usr/bin/python
# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module onprem.mlflow.platform_copy."""

from __future__ import annotations

DOCUMENTATION = r"""
module: platform_copy
author:
  - onprem.mlflow contributors (@onprem)
version_added: 0.3.0
short_description: Keep a copy of a platform beside it while it is upgraded, and put it back
description:
  - The copy is in C(backups/upgrade) below O(project_dir), for root alone. Its C(state.json) says what it is good for.
  - It is made with cp, so that a file system that can shares the blocks of both.
extends_documentation_fragment:
  - onprem.mlflow.attributes
options:
  project_dir:
    description: Folder of the compose project.
    type: path
    required: true
  state:
    description:
      - V(begun) copies O(paths) and O(door), the files that say how services are run, and notes O(note).
      - V(complete) copies O(paths), the data, too. B(Nobody may use it meanwhile.) From now on it can be put back.
      - V(emptied) empties folders among the data, which is refused where there is no copy of them.
      - V(restored) makes O(paths) and data what they were. It can be repeated. B(Nobody may use the data meanwhile.)
      - V(opened) puts O(door) back. From then on the data is never put back again, since clients may write.
      - V(absent) forgets the copy. What is there now is the platform.
    type: str
    choices: [begun, complete, emptied, restored, opened, absent]
    required: true
  paths:
    description: Files and folders below O(project_dir). Those that are not there are left out.
    type: list
    elements: str
    default: []
  door:
    description: Files and folders that say how clients come in, with O(state=begun).
    type: list
    elements: str
    default: []
  note:
    description: What is needed to go back, besides the files.
    type: dict
    default: {}
attributes:
  check_mode:
    description: Can run in check mode. With O(state=complete) it is tried whether there is room. Nothing is written.
    support: full
  diff_mode:
    description: There is no difference to show.
    support: none
"""

EXAMPLES = r"""
- name: Keep a copy of how the services are run
  onprem.mlflow.platform_copy:
    project_dir: /opt/mlflow
    state: begun
    paths: [compose.yml, services, config]
"""

RETURN = r"""
bytes:
  description: What the copy of the data takes, with O(state=complete).
  type: int
  returned: success
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError
from ansible_collections.onprem.mlflow.plugins.module_utils.platform_copy import Copy


def apply(copy: Copy, params: dict[str, Any], paths: list[str]) -> int:
    """Bring the copy to a state, and return the bytes of its data."""
    actions: dict[str, Callable[[], int | None]] = {
        "begun": lambda: copy.begin(paths, params["door"], params["note"]),
        "complete": lambda: copy.complete(paths),
        "emptied": lambda: copy.empty(paths),
        "restored": copy.put_back,
        "opened": copy.open_door,
        "absent": copy.end,
    }
    return actions[params["state"]]() or 0


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "project_dir": {"type": "path", "required": True},
            "state": {
                "type": "str",
                "choices": ["begun", "complete", "emptied", "restored", "opened", "absent"],
                "required": True,
            },
            "paths": {"type": "list", "elements": "str", "default": []},
            "door": {"type": "list", "elements": "str", "default": []},
            "note": {"type": "dict", "default": {}},
        },
        supports_check_mode=True,
    )
    params = module.params
    copy = Copy(Path(params["project_dir"]))
    paths = [path for path in params["paths"] if (copy.project_dir / path).exists()]
    try:
        if not module.check_mode:
            size = apply(copy, params, paths)
        else:
            size = copy.must_have_room(paths) if params["state"] == "complete" else 0
    except InputError as exc:
        module.fail_json(msg=str(exc))
    except OSError as exc:
        module.fail_json(msg=f"{exc.filename}: {exc.strerror}.")
    module.exit_json(changed=True, bytes=size)


if __name__ == "__main__":
    main()
