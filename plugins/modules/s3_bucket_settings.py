#!/usr/bin/python
# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module onprem.mlflow.s3_bucket_settings."""

from __future__ import annotations

DOCUMENTATION = r"""
module: s3_bucket_settings
author:
  - onprem.mlflow contributors (@onprem)
version_added: 0.2.0
short_description: Carry the settings of buckets from MinIO over to RustFS
description:
  - Reads versioning, object lock, lifecycle, policy, tags, quota and CORS of buckets on MinIO, and sets the same on
    RustFS. MinIO is not changed.
  - Buckets that are missing are made. Object lock can be given only then, so make buckets with O(only_make=true) before
    objects are copied, and give them the rest afterwards.
  - Policies are rewritten with exact names of actions, and never allow more than they did. Transitions to remote tiers
    are left out of lifecycles. A policy that names its bucket names it as it is called on RustFS.
  - What MinIO does not have set is left as it is on RustFS.
  - The days of a lifecycle count from when an object was copied, since that is when RustFS got it.
extends_documentation_fragment:
  - onprem.mlflow.attributes
  - onprem.mlflow.s3_store.source_and_target
  - onprem.mlflow.s3_buckets
options:
  source:
    description: MinIO, and a key that may read the settings; quotas are told to its administrator only.
  target:
    description: RustFS, and its administrator's key.
  target_api:
    description: Which admin API the target has, for its quotas.
    type: str
    choices: [rustfs, minio]
    default: rustfs
  buckets:
    description:
      - The buckets, every one of the source where it is empty. A name that is there twice is taken once.
      - Settings are those of the whole bucket, whatever O(buckets[].prefix) says.
  only_make:
    description: Whether to make missing buckets only.
    type: bool
    default: false
requirements:
  - boto3, on the host that the module runs on
attributes:
  check_mode:
    description: Can run in check mode. Both stores are asked then, and nothing is changed.
    support: full
  diff_mode:
    description: Returns the settings before and after.
    support: full
"""

EXAMPLES = r"""
- name: Carry the settings over
  onprem.mlflow.s3_bucket_settings:
    source: "{{ minio }}"
    target: "{{ rustfs }}"
    buckets:
      - name: mlflow
"""

RETURN = r"""
buckets:
  description:
    - One entry for each, with C(bucket) (its name on RustFS) and C(actions), what was done or would be in check mode.
    - Actions are any of V(bucket made), V(versioning set), V(default retention set), V(lifecycle set), V(policy set),
      V(tags set), V(quota set) and V(CORS set).
  type: list
  elements: dict
  returned: success
by_hand:
  description: What is not carried over, with C(code), C(name) (the bucket on RustFS) and C(text).
  type: list
  elements: dict
  returned: success
limits:
  description: The same by code, with C(code), C(bucket), C(count), C(text) and C(examples).
  type: list
  elements: dict
  returned: success
"""

import json
from typing import Any

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError
from ansible_collections.onprem.mlflow.plugins.module_utils.minio_iam_admin import MINIO, RUSTFS, StoreAdmin
from ansible_collections.onprem.mlflow.plugins.module_utils.rustfs_admin import RustfsError
from ansible_collections.onprem.mlflow.plugins.module_utils.s3_bucket_settings import Wanted, want
from ansible_collections.onprem.mlflow.plugins.module_utils.s3_bucket_settings_target import Buckets, Change
from ansible_collections.onprem.mlflow.plugins.module_utils.s3_inventory import (
    SELECTION_OPTIONS,
    Inventory,
    Selection,
    selections,
)
from ansible_collections.onprem.mlflow.plugins.module_utils.s3_inventory_limits import Limits
from ansible_collections.onprem.mlflow.plugins.module_utils.s3_inventory_settings import read
from ansible_collections.onprem.mlflow.plugins.module_utils.s3_store import (
    STORE_OPTIONS,
    Store,
    client,
    explained,
    store_of,
)

APIS = {"rustfs": RUSTFS, "minio": MINIO}


def wanted_of(source: Store, items: list[dict[str, Any]]) -> dict[str, tuple[Selection, Wanted]]:
    """Return what each bucket of the target is to have, by its name there."""
    with explained(source, "source"):
        chosen = selections(items, Inventory(source, admin=False).names() if not items else ())
        s3, admin = client(source), StoreAdmin(source)
        return {
            selection.target: (selection, want(read(s3, admin, selection.name), selection.name, selection.target))
            for selection in chosen
        }


def apply(target: Store, params: dict[str, Any], wanted: dict[str, Wanted], dry_run: bool) -> list[Change]:
    """Bring the buckets of the target to what is wanted."""
    with explained(target, "target"):
        buckets = Buckets(client(target), StoreAdmin(target, APIS[params["target_api"]]), target.region, dry_run)
        return [buckets.ensure(name, wish, params["only_make"]) for name, wish in wanted.items()]


def run(params: dict[str, Any], dry_run: bool) -> tuple[dict[str, Any], list[Change]]:
    """Read, decide and do."""
    source, target = store_of(params["source"], "source"), store_of(params["target"], "target")
    wanted = wanted_of(source, params["buckets"])
    changes = apply(target, params, {name: wish for name, (_, wish) in wanted.items()}, dry_run)
    by_hand = []
    limits = []
    for change in changes:
        selection, wish = wanted[change.bucket]
        notes = [*([] if params["only_make"] else wish.notes), *change.refused]
        found = Limits(selection.name)
        for code, text in notes:
            by_hand.append({"code": code, "name": change.bucket, "text": text})
            found.add(code, text)
        limits += [limit.as_result() for limit in found.found()]
    result = {
        "changed": any(change.actions for change in changes),
        "buckets": [{"bucket": change.bucket, "actions": change.actions} for change in changes],
        "by_hand": by_hand,
        "limits": limits,
    }
    return result, changes


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "source": {"type": "dict", "required": True, "options": STORE_OPTIONS},
            "target": {"type": "dict", "required": True, "options": STORE_OPTIONS},
            "target_api": {"type": "str", "choices": ["rustfs", "minio"], "default": "rustfs"},
            "buckets": {"type": "list", "elements": "dict", "default": [], "options": SELECTION_OPTIONS},
            "only_make": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    try:
        result, changes = run(module.params, module.check_mode)
    except ImportError as exc:
        module.fail_json(msg=missing_required_lib("boto3"), exception=str(exc))
    except (InputError, RustfsError) as exc:
        module.fail_json(msg=str(exc))
    if module._diff:
        result["diff"] = [
            {
                "before_header": change.bucket,
                "after_header": change.bucket,
                "before": json.dumps(change.before, indent=2, sort_keys=True) + "\n",
                "after": json.dumps(change.after, indent=2, sort_keys=True) + "\n",
            }
            for change in changes
            if change.actions
        ]
    module.exit_json(**result)


if __name__ == "__main__":
    main()
