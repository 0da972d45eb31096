#!/usr/bin/python
# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module onprem.mlflow.s3_preflight."""

from __future__ import annotations

DOCUMENTATION = r"""
module: s3_preflight
author:
  - onprem.mlflow contributors (@onprem)
version_added: 0.2.0
short_description: Find out whether objects can be moved from one S3 store to another
description:
  - Asks both stores, and writes to neither. What is wrong is returned as sentences, all at once, and is no failure.
  - The stores are the same where both tell administrators the same deployment, or, where one of them tells none, where
    a bucket of the same name was made in the same millisecond.
extends_documentation_fragment:
  - onprem.mlflow.attributes
  - onprem.mlflow.attributes.read_only
  - onprem.mlflow.s3_store.source_and_target
  - onprem.mlflow.s3_buckets
options:
  source:
    description: The store to read from, and a key that may list and read its objects and their tags.
  target:
    description: The store to write to, and its administrator's key. Only the source is looked at where it is left out.
    required: false
  source_name:
    description: What messages call the source, such as the variable that describes it.
    type: str
    default: source
  target_name:
    description: What messages call the target.
    type: str
    default: target
  buckets_name:
    description: What messages call O(buckets).
    type: str
    default: buckets
  buckets:
    description: What is to be moved, every bucket of the source where it is empty.
  foreign:
    description: Whether objects on the target that the source does not have are a problem. Lists both sides.
    type: bool
    default: true
  bytes:
    description: How many bytes are to be moved. Space is not looked at where it is left out.
    type: int
  objects:
    description: How many objects these are.
    type: int
    default: 0
  data_paths:
    description: Folders on this server that are the target's drives.
    type: list
    elements: path
    default: []
  drives:
    description: How many drives an erasure set of the target has. As many as O(data_paths) where it is left out.
    type: int
  parity:
    description: How many of them hold parity. RustFS's default for so many drives where it is left out.
    type: int
requirements:
  - boto3, on the host that the module runs on
"""

EXAMPLES = r"""
- name: Look at both stores
  onprem.mlflow.s3_preflight:
    source: "{{ minio }}"
    target: "{{ rustfs }}"
    buckets:
      - name: mlflow
  register: looked
  failed_when: looked.problems | length > 0
"""

RETURN = r"""
problems:
  description:
    - What is wrong, with C(code) and C(text).
    - The codes are V(source_answer), V(target_answer), V(clock), V(same_store), V(target_key), V(source_key),
      V(unknown_bucket), V(unknown_prefix), V(listing), V(foreign_objects) and V(space).
  type: list
  elements: dict
  returned: success
clock_seconds:
  description: How many seconds the clocks of C(source) and C(target) are ahead of this server's.
  type: dict
  returned: success
present:
  description:
    - What the target holds already, one entry for each of its buckets, with C(bucket), C(present) (objects that the
      source has too), C(present_bytes), C(foreign) and C(examples) of these.
    - Empty where O(foreign=false).
  type: list
  elements: dict
  returned: success
space:
  description: File systems of the target with C(path), C(free_bytes) and C(needed_bytes).
  type: list
  elements: dict
  returned: success
"""

from dataclasses import asdict
from typing import Any

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError
from ansible_collections.onprem.mlflow.plugins.module_utils.rustfs_admin import RustfsError
from ansible_collections.onprem.mlflow.plugins.module_utils.s3_inventory import SELECTION_OPTIONS, selections
from ansible_collections.onprem.mlflow.plugins.module_utils.s3_inventory_preflight import (
    Names,
    Overlap,
    Preflight,
    Problem,
)
from ansible_collections.onprem.mlflow.plugins.module_utils.s3_inventory_space import (
    Room,
    default_parity,
    per_drive,
    rooms,
)
from ansible_collections.onprem.mlflow.plugins.module_utils.s3_store import STORE_OPTIONS, store_of


def look(params: dict[str, Any]) -> dict[str, Any]:
    """Ask both stores and return what is wrong."""
    names = Names(*(params[f"{name}_name"] for name in ("source", "target", "buckets")))
    target = store_of(params["target"], names.target) if params["target"] else None
    looked = Preflight(store_of(params["source"], names.source), target, names)
    present: list[Overlap] = []
    if looked.answers():
        looked.two_stores()
        looked.target_key()
        chosen = selections(params["buckets"], sorted(looked.source.buckets), names.buckets)
        looked.readable(chosen)
        # Listings take a while, and tell nothing of use where something else is wrong.
        if params["foreign"] and not looked.problems:
            present = looked.overlap(chosen)
    space = _space(params, present)
    short = [
        Problem(
            "space",
            f"{room.path} has {room.free_bytes} bytes free and {room.needed_bytes} are needed, make room or move less.",
        )
        for room in space
        if not room.enough
    ]
    return {
        "changed": False,
        "problems": [asdict(problem) for problem in [*looked.problems, *short]],
        "clock_seconds": looked.clocks(),
        "present": [asdict(overlap) for overlap in present],
        "space": [asdict(room) for room in space],
    }


def _space(params: dict[str, Any], present: list[Overlap]) -> list[Room]:
    paths = params["data_paths"]
    if params["bytes"] is None or not paths:
        return []
    drives = params["drives"] or len(paths)
    parity = default_parity(drives) if params["parity"] is None else params["parity"]
    if not 0 <= parity < drives:
        raise InputError(f"parity: found {parity} for {drives} drives, write a number below that of the drives.")
    content = max(0, params["bytes"] - sum(overlap.present_bytes for overlap in present))
    objects = max(0, params["objects"] - sum(overlap.present for overlap in present))
    return rooms(paths, per_drive(content, objects, drives, parity))


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "source": {"type": "dict", "required": True, "options": STORE_OPTIONS},
            "target": {"type": "dict", "options": STORE_OPTIONS},
            "source_name": {"type": "str", "default": "source"},
            "target_name": {"type": "str", "default": "target"},
            "buckets_name": {"type": "str", "default": "buckets"},
            "buckets": {"type": "list", "elements": "dict", "default": [], "options": SELECTION_OPTIONS},
            "foreign": {"type": "bool", "default": True},
            "bytes": {"type": "int"},
            "objects": {"type": "int", "default": 0},
            "data_paths": {"type": "list", "elements": "path", "default": []},
            "drives": {"type": "int"},
            "parity": {"type": "int"},
        },
        supports_check_mode=True,
    )
    try:
        result = look(module.params)
    except ImportError as exc:
        module.fail_json(msg=missing_required_lib("boto3"), exception=str(exc))
    except (InputError, RustfsError) as exc:
        module.fail_json(msg=str(exc))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
