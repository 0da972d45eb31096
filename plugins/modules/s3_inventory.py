#!/usr/bin/python
# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module onprem.mlflow.s3_inventory."""

from __future__ import annotations

DOCUMENTATION = r"""
module: s3_inventory
author:
  - onprem.mlflow contributors (@onprem)
version_added: 0.2.0
short_description: Count what is in the buckets of MinIO, and find what will not come along to RustFS
description:
  - Lists buckets and reads their settings. Nothing is changed.
  - A bucket that has or had versions is listed with all of them.
  - MinIO tells encryption, retention and legal hold of each object in its listing. Where a store does not, objects can
    be asked for one by one.
  - Names by code what MinIO holds and RustFS, or a copy of the latest versions, will not.
  - Memory does not grow with the number of objects.
extends_documentation_fragment:
  - onprem.mlflow.attributes
  - onprem.mlflow.attributes.read_only
  - onprem.mlflow.s3_store
  - onprem.mlflow.s3_buckets
options:
  store:
    description: The store, and a key that may list and read its buckets.
  buckets:
    description:
      - What to count, every bucket where it is empty.
      - It is an error to name a bucket that does not exist, or the same objects twice, or two sources of one target.
  inspect_objects:
    description:
      - Whether to ask for every object whose encryption the listing does not tell, one request each.
      - Needed only for stores other than MinIO, and for buckets with user metadata of names that MinIO cannot list.
    type: bool
    default: false
  workers:
    description: How many buckets are listed at once, 1 to 32.
    type: int
    default: 4
requirements:
  - boto3, on the host that the module runs on
"""

EXAMPLES = r"""
- name: Count what is to be moved
  onprem.mlflow.s3_inventory:
    store:
      endpoint_url: http://minio.example.org:9000
      access_key: "{{ minio_root_user }}"
      secret_key: "{{ minio_root_password }}"
    buckets:
      - name: mlflow
        prefix: artifacts/
  register: source
"""

RETURN = r"""
endpoint_url:
  description: Address of the store.
  type: str
  returned: success
buckets:
  description: One entry for each, in the order of O(buckets), or by name.
  type: list
  elements: dict
  returned: success
  contains:
    name:
      description: Name of the bucket.
      type: str
    prefix:
      description: Beginning of the keys that were counted.
      type: str
    target_name:
      description: Name of the bucket on RustFS.
      type: str
    objects:
      description: How many objects there are, in their latest versions.
      type: int
    bytes:
      description: How many bytes they are.
      type: int
    largest_bytes:
      description: Size of the largest one, in bytes.
      type: int
    versions:
      description: How many old versions there are.
      type: int
    delete_markers:
      description: How many delete markers there are.
      type: int
    encrypted_objects:
      description: How many of the objects are kept encrypted, as far as the store tells.
      type: int
    incomplete_uploads:
      description: How many uploads in parts were begun and not completed.
      type: int
    versioning:
      description: V(Enabled), V(Suspended), or empty where it never was on.
      type: str
    object_lock:
      description: Whether object lock is on.
      type: bool
    lifecycle:
      description: Rules of the lifecycle.
      type: list
      elements: dict
    policy:
      description: Policy of the bucket, or null.
      type: dict
    tags:
      description: Tags of the bucket.
      type: dict
    quota_bytes:
      description: How many bytes the bucket may hold, or null.
      type: int
    cors:
      description: Rules of CORS.
      type: list
      elements: dict
    encryption:
      description: Whether the bucket has a default encryption.
      type: bool
    notifications:
      description: How many notifications are set up.
      type: int
    replication:
      description: Whether replication is set up.
      type: bool
limits:
  description: What will not come along. Empty where everything will.
  type: list
  elements: dict
  returned: success
  contains:
    code:
      description: What it is, such as V(old_versions).
      type: str
    bucket:
      description: In which bucket.
      type: str
    count:
      description: How many there are.
      type: int
    text:
      description: One sentence.
      type: str
    examples:
      description: The first ten keys or sentences.
      type: list
      elements: str
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError
from ansible_collections.onprem.mlflow.plugins.module_utils.rustfs_admin import RustfsError
from ansible_collections.onprem.mlflow.plugins.module_utils.s3_inventory import SELECTION_OPTIONS, Inventory, selections
from ansible_collections.onprem.mlflow.plugins.module_utils.s3_store import STORE_OPTIONS, explained, store_of

MOST_WORKERS = 32


def take(params: dict[str, Any]) -> dict[str, Any]:
    """Return the inventory of the buckets that the options name."""
    if not 1 <= params["workers"] <= MOST_WORKERS:
        raise InputError(f"workers: found {params['workers']}, write a number from 1 to {MOST_WORKERS}.")
    store = store_of(params["store"])
    with explained(store, "store"):
        inventory = Inventory(store, params["inspect_objects"], params["workers"])
        chosen = selections(params["buckets"], inventory.names() if not params["buckets"] else ())
        found = inventory.take(chosen)
    return {
        "changed": False,
        "endpoint_url": store.endpoint_url,
        "buckets": [bucket.as_result() for bucket in found],
        "limits": [limit.as_result() for bucket in found for limit in bucket.limits.found()],
    }


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "store": {"type": "dict", "required": True, "options": STORE_OPTIONS},
            "buckets": {"type": "list", "elements": "dict", "default": [], "options": SELECTION_OPTIONS},
            "inspect_objects": {"type": "bool", "default": False},
            "workers": {"type": "int", "default": 4},
        },
        supports_check_mode=True,
    )
    try:
        result = take(module.params)
    except ImportError as exc:
        module.fail_json(msg=missing_required_lib("boto3"), exception=str(exc))
    except (InputError, RustfsError) as exc:
        module.fail_json(msg=str(exc))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
