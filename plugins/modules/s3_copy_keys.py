#!/usr/bin/python
# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module onprem.mlflow.s3_copy_keys."""

from __future__ import annotations

DOCUMENTATION = r"""
module: s3_copy_keys
author:
  - onprem.mlflow contributors (@onprem)
version_added: 0.2.0
short_description: Copy single objects from one S3 store to another, whatever the target holds
description:
  - Copies the latest version of objects by their exact keys, with content type, cache, disposition, encoding, language
    and expiry headers, user metadata and tags. What the target has under these keys is replaced.
  - For the objects that M(onprem.mlflow.s3_compare) found to differ or to be missing, and for objects that were written
    to the new store and have to be brought back. Whole buckets are copied by M(onprem.mlflow.mc_mirror).
  - Objects up to 64 MiB are written at once, larger ones in parts.
  - Copies one object after the other. One that fails does not stop the others.
requirements:
  - boto3 on the server
extends_documentation_fragment:
  - onprem.mlflow.attributes
  - onprem.mlflow.s3_store.source_and_target
options:
  source:
    description: The store to copy from.
  target:
    description: The store to copy to.
  bucket:
    description: Bucket of the source.
    type: str
    required: true
  target_bucket:
    description: Bucket of the target. The name of O(bucket) where it is left out.
    type: str
  keys:
    description: Objects to copy.
    type: list
    elements: str
    default: []
  remove:
    description: Objects to delete from the target. One that the source has is left alone.
    type: list
    elements: str
    default: []
  fail_on_errors:
    description: Whether the task fails where an object was not copied or not deleted.
    type: bool
    default: true
attributes:
  check_mode:
    description: Can run in check mode. Nothing is sent then, and all O(keys) count as to be copied.
    support: full
  diff_mode:
    description: There is no difference to show.
    support: none
"""

EXAMPLES = r"""
- name: Copy what differs once more
  onprem.mlflow.s3_copy_keys:
    source: "{{ minio_store }}"
    target: "{{ rustfs_store }}"
    bucket: mlflow
    keys: "{{ comparison.missing + comparison.different | map(attribute='key') }}"
  no_log: true
"""

RETURN = r"""
copied:
  description: What was copied, of the same shape as RV(onprem.mlflow.mc_mirror#module:copied), with V(repair) as pass.
  type: dict
  returned: success and failure, unless a store did not answer
removed:
  description: Keys of the objects that were deleted from the target.
  type: list
  elements: str
  returned: success and failure, unless a store did not answer
msg:
  description: One sentence.
  type: str
  returned: always
"""

import time
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError
from ansible_collections.onprem.mlflow.plugins.module_utils.mc_repair import Copier, copy_all
from ansible_collections.onprem.mlflow.plugins.module_utils.mc_text import outcome, utc
from ansible_collections.onprem.mlflow.plugins.module_utils.s3_store import (
    STORE_OPTIONS,
    check_bucket,
    client,
    store_of,
)

MAX_SHOWN = 1000


def run(params: dict[str, Any]) -> dict[str, Any]:
    """Copy, and return the result."""
    stores = {name: store_of(params[name], name) for name in ("source", "target")}
    buckets = {"source": params["bucket"], "target": params["target_bucket"] or params["bucket"]}
    clients = {name: client(store) for name, store in stores.items()}
    for name, side in clients.items():
        check_bucket(side, stores[name], buckets[name], name)
    started = time.time()
    copier = Copier((clients["source"], buckets["source"]), (clients["target"], buckets["target"]))
    found = copy_all(copier, params["keys"], params["remove"])
    ended = time.time()
    copied = {
        "bucket": params["bucket"],
        "target_bucket": buckets["target"],
        "prefix": "",
        "pass": "repair",
        "running": False,
        "started_at": utc(started),
        "run_started_at": utc(started),
        "ended_at": utc(ended),
        "objects_total": len(params["keys"]),
        "bytes_total": found["bytes"],
        "objects": found["objects"],
        "bytes": found["bytes"],
        "failed": found["failed"][:MAX_SHOWN],
        "failed_count": len(found["failed"]),
        "samples": [{"at": utc(ended), "objects": found["objects"], "bytes": found["bytes"]}],
        "exit_status": None,
        "errors": [],
    }
    return {
        "changed": bool(found["objects"] or found["removed"]),
        "copied": copied,
        "removed": found["removed"][:MAX_SHOWN],
        "msg": outcome(copied),
    }


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "source": {"type": "dict", "required": True, "options": STORE_OPTIONS},
            "target": {"type": "dict", "required": True, "options": STORE_OPTIONS},
            "bucket": {"type": "str", "required": True},
            "target_bucket": {"type": "str"},
            "keys": {"type": "list", "elements": "str", "default": [], "no_log": False},
            "remove": {"type": "list", "elements": "str", "default": []},
            "fail_on_errors": {"type": "bool", "default": True},
        },
        supports_check_mode=True,
    )
    params = module.params
    if module.check_mode or not (params["keys"] or params["remove"]):
        would = len(params["keys"])
        module.exit_json(
            changed=bool(would or params["remove"]), msg=f"Would copy {would} objects of {params['bucket']}."
        )
    try:
        result = run(params)
    except InputError as exc:
        module.fail_json(msg=str(exc))
    if params["fail_on_errors"] and result["copied"]["failed_count"]:
        module.fail_json(**result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
