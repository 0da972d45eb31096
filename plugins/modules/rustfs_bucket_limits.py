#!/usr/bin/python
# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module onprem.mlflow.rustfs_bucket_limits."""

from __future__ import annotations

DOCUMENTATION = r"""
module: rustfs_bucket_limits
author:
  - onprem.mlflow contributors (@onprem)
version_added: 0.2.0
short_description: Limit how long and how much a bucket on RustFS keeps
description:
  - Sets the quota of a bucket, and two rules of its lifecycle that this module knows by their names. Other rules stay.
  - What is left out stays as it is. V(0) takes a limit away.
extends_documentation_fragment:
  - onprem.mlflow.attributes
  - onprem.mlflow.s3_store
options:
  store:
    description: RustFS, and its administrator's key.
  bucket:
    description: Name of the bucket. It is an error if it does not exist, except in check mode.
    type: str
    required: true
  noncurrent_days:
    description:
      - After how many days a version is removed that another has replaced, or that was deleted. Of no effect without
        versioning.
    type: int
  abort_multipart_days:
    description: After how many days the parts of an upload are removed that was never completed.
    type: int
  quota_bytes:
    description: How many bytes the bucket may hold, versions included.
    type: int
requirements:
  - boto3, on the host that the module runs on
attributes:
  check_mode:
    description: Can run in check mode. RustFS is asked then, and nothing is changed.
    support: full
  diff_mode:
    description: Returns the lifecycle and the quota before and after.
    support: full
"""

EXAMPLES = r"""
- name: Keep old versions for a month, in at most a tebibyte
  onprem.mlflow.rustfs_bucket_limits:
    store:
      endpoint_url: http://127.0.0.1:9000
      access_key: "{{ rustfs_root_access_key }}"
      secret_key: "{{ rustfs_root_secret_key }}"
    bucket: mlflow
    noncurrent_days: 30
    quota_bytes: 1099511627776
"""

RETURN = r"""
actions:
  description: What was done, or would be in check mode. Any of V(lifecycle set), V(quota set).
  type: list
  elements: str
  returned: success
"""

import json
from typing import Any

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError
from ansible_collections.onprem.mlflow.plugins.module_utils.minio_iam_admin import (
    RUSTFS,
    AdminRefusedError,
    StoreAdmin,
)
from ansible_collections.onprem.mlflow.plugins.module_utils.rustfs_admin import RustfsError
from ansible_collections.onprem.mlflow.plugins.module_utils.rustfs_bucket_limits import Report, Wanted, apply
from ansible_collections.onprem.mlflow.plugins.module_utils.s3_store import (
    STORE_OPTIONS,
    client,
    explained,
    store_of,
)


def run(params: dict[str, Any], dry_run: bool) -> Report:
    """Ask and tell RustFS."""
    store = store_of(params["store"])
    wanted = Wanted(params["noncurrent_days"], params["abort_multipart_days"], params["quota_bytes"])
    with explained(store, "store"):
        return apply(client(store), StoreAdmin(store, RUSTFS), params["bucket"], wanted, dry_run)


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "store": {"type": "dict", "required": True, "options": STORE_OPTIONS},
            "bucket": {"type": "str", "required": True},
            "noncurrent_days": {"type": "int"},
            "abort_multipart_days": {"type": "int"},
            "quota_bytes": {"type": "int"},
        },
        supports_check_mode=True,
    )
    try:
        report = run(module.params, module.check_mode)
    except ImportError as exc:
        module.fail_json(msg=missing_required_lib("boto3"), exception=str(exc))
    except AdminRefusedError as exc:
        module.fail_json(msg=f"RustFS refuses the quota of {module.params['bucket']!r} ({exc}).")
    except (InputError, RustfsError) as exc:
        module.fail_json(msg=str(exc))
    result: dict[str, Any] = {"changed": bool(report.actions), "actions": report.actions}
    if module._diff:
        result["diff"] = {
            "before": json.dumps(report.before, indent=2, sort_keys=True) + "\n",
            "after": json.dumps(report.after, indent=2, sort_keys=True) + "\n",
        }
    module.exit_json(**result)


if __name__ == "__main__":
    main()
