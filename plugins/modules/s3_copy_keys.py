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
short_description: Copy the objects that a comparison named from one S3 store to another, whatever the target holds
description:
  - Copies the latest version of the objects that M(onprem.mlflow.s3_compare) found to differ or to be missing, by their
    exact keys, with content type, cache, disposition, encoding, language
    and expiry headers, user metadata and tags. What the target has under these keys is replaced.
  - For what M(onprem.mlflow.mc_mirror) left different, and for objects that were written to the new store and have to
    be brought back.
  - Objects up to 64 MiB are written at once, larger ones in parts.
  - One that fails does not stop the others.
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
  journal:
    description: Journal of a comparison of O(source) with O(target) that is complete, on the server.
    type: path
    required: true
  remove:
    description:
      - Whether objects that only the target has are deleted there. One that the source has by now is left alone.
    type: bool
    default: false
  workers:
    description: How many objects are copied at once, from 1 to 32. Each holds up to 64 MiB in memory.
    type: int
    default: 4
  fail_on_errors:
    description: Whether the task fails where an object was not copied or not deleted.
    type: bool
    default: true
attributes:
  check_mode:
    description: Can run in check mode. Nothing is sent then, and all that the journal names counts as to be copied.
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
    journal: /opt/mlflow/migration/compare/mlflow.jsonl
  no_log: true
"""

RETURN = r"""
copied:
  description: What was copied, of the same shape as RV(onprem.mlflow.mc_mirror#module:copied), with V(again) as pass.
  type: dict
  returned: success and failure, unless a store did not answer
removed:
  description: Up to 1000 keys of objects that were deleted from the target.
  type: list
  elements: str
  returned: success and failure, unless a store did not answer
removed_count:
  description: How many objects were deleted from the target.
  type: int
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
from ansible_collections.onprem.mlflow.plugins.module_utils.s3_journal_keys import (
    TO_COPY,
    TO_REMOVE,
    Left,
    count_keys,
    keys_of,
)
from ansible_collections.onprem.mlflow.plugins.module_utils.s3_store import (
    STORE_OPTIONS,
    check_bucket,
    client,
    store_of,
)

MOST_WORKERS = 32


def run(params: dict[str, Any], left: Left) -> dict[str, Any]:
    """Copy, and return the result."""
    stores = {name: store_of(params[name], name) for name in ("source", "target")}
    buckets = {"source": params["bucket"], "target": params["target_bucket"] or params["bucket"]}

    def copier() -> Copier:
        return Copier(*((client(stores[name]), buckets[name]) for name in stores))

    for name, store in stores.items():
        check_bucket(client(store), store, buckets[name], name)
    started = time.time()
    remove = keys_of(params["journal"], TO_REMOVE) if params["remove"] else ()
    found = copy_all(copier, keys_of(params["journal"], TO_COPY), remove, params["workers"])
    ended = time.time()
    copied = {
        "bucket": params["bucket"],
        "target_bucket": buckets["target"],
        "prefix": left.prefix,
        "pass": "again",
        "running": False,
        "started_at": utc(started),
        "run_started_at": utc(started),
        "ended_at": utc(ended),
        "objects_total": left.to_copy,
        "bytes_total": found.bytes,
        "objects": found.objects,
        "bytes": found.bytes,
        "failed": found.failed,
        "failed_count": found.failed_count,
        "samples": [{"at": utc(ended), "objects": found.objects, "bytes": found.bytes}],
        "exit_status": None,
        "errors": [],
    }
    return {
        "changed": bool(found.objects or found.removed_count),
        "copied": copied,
        "removed": found.removed,
        "removed_count": found.removed_count,
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
            "journal": {"type": "path", "required": True},
            "remove": {"type": "bool", "default": False},
            "workers": {"type": "int", "default": 4},
            "fail_on_errors": {"type": "bool", "default": True},
        },
        supports_check_mode=True,
    )
    params = module.params
    try:
        if not 1 <= params["workers"] <= MOST_WORKERS:
            raise InputError(f"workers: found {params['workers']}, write a number from 1 to {MOST_WORKERS}.")
        left = count_keys(params["journal"])
        to_remove = left.to_remove if params["remove"] else 0
        if module.check_mode or not (left.to_copy or to_remove):
            would = f"Would copy {left.to_copy} objects of {params['bucket']}, and delete {to_remove} on the target."
            module.exit_json(changed=bool(left.to_copy or to_remove), msg=would)
        result = run(params, left)
    except InputError as exc:
        module.fail_json(msg=str(exc))
    if params["fail_on_errors"] and result["copied"]["failed_count"]:
        module.fail_json(**result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
