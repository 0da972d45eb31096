#!/usr/bin/python
# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module onprem.mlflow.rustfs_iam."""

from __future__ import annotations

DOCUMENTATION = r"""
module: rustfs_iam
author:
  - onprem.mlflow contributors (@onprem)
version_added: 0.2.0
short_description: Carry users, groups, policies and access keys of MinIO over to RustFS
description:
  - Reads MinIO's users, groups, policies and service accounts with their secrets from its admin API, and makes the same
    on RustFS. MinIO is not changed. The secrets are in memory only, and in no result.
  - Policies are rewritten. RustFS takes exact names of actions, so patterns such as C(s3:Get*) are written out. What
    RustFS does not have is left out of what is allowed, and a denial whose condition it does not know denies always.
  - Everybody gets the rights they had, or fewer. What is left out is named in RV(by_hand).
  - Policies that MinIO brings itself, such as C(readwrite), are carried over where they are in use, with C(minio-)
    before their names, since those of RustFS allow more.
  - Users and policies that RustFS has and MinIO does not are left alone.
  - RustFS does not tell secrets. Whether a key has the right one is found out by asking for buckets with it.
extends_documentation_fragment:
  - onprem.mlflow.attributes
  - onprem.mlflow.s3_store.source_and_target
options:
  source:
    description: MinIO, and its administrator's key.
  target:
    description:
      - RustFS, and its administrator's key.
      - Can be left out in check mode, which then tells what of MinIO's would not come along.
    required: false
  archive:
    description:
      - File on the server that C(mc admin cluster iam export) wrote, to be read in place of MinIO's admin API.
      - It holds secrets. It is an error if others than its owner may read it.
    type: path
  kept:
    description: Names of users, groups, policies and access keys on RustFS that are not touched, such as MLflow's own.
    type: list
    elements: str
    default: []
requirements:
  - botocore, on the host that the module runs on
attributes:
  check_mode:
    description: Can run in check mode. Both stores are asked then, and nothing is changed.
    support: full
  diff_mode:
    description: Returns policies, groups and attachments before and after, never a secret.
    support: full
"""

EXAMPLES = r"""
- name: Carry the users over
  onprem.mlflow.rustfs_iam:
    source:
      endpoint_url: http://minio.example.org:9000
      access_key: "{{ minio_root_user }}"
      secret_key: "{{ minio_root_password }}"
    target:
      endpoint_url: http://127.0.0.1:9000
      access_key: "{{ rustfs_root_access_key }}"
      secret_key: "{{ rustfs_root_secret_key }}"
    kept: [mlflow-artifacts]
"""

RETURN = r"""
actions:
  description: What was done, or would be in check mode, in this order.
  type: list
  elements: str
  returned: success
carried:
  description: What RustFS has of MinIO's, with C(code), C(name) and C(text). In check mode, what it would have.
  type: list
  elements: dict
  returned: success
by_hand:
  description: What is not carried over, or with fewer rights, with C(code), C(name) and C(text).
  type: list
  elements: dict
  returned: success
limits:
  description: The same by code, with C(code), C(bucket) (empty), C(count), C(text) and C(examples).
  type: list
  elements: dict
  returned: success
"""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError
from ansible_collections.onprem.mlflow.plugins.module_utils.minio_iam import Iam, parse
from ansible_collections.onprem.mlflow.plugins.module_utils.minio_iam_admin import AdminRefusedError, StoreAdmin
from ansible_collections.onprem.mlflow.plugins.module_utils.minio_iam_plan import Note, Plan, Roots, make
from ansible_collections.onprem.mlflow.plugins.module_utils.minio_iam_target import Applier, IamClient, Outcome
from ansible_collections.onprem.mlflow.plugins.module_utils.rustfs_admin import BotocoreTransport, RustfsError
from ansible_collections.onprem.mlflow.plugins.module_utils.s3_inventory_limits import Limits
from ansible_collections.onprem.mlflow.plugins.module_utils.s3_store import STORE_OPTIONS, Store, store_of

UNKNOWN = "unknown_users"


def read(source: Store, archive: str | None) -> tuple[Iam, list[Note]]:
    """Return what MinIO keeps, or nothing and a note where the key may not read it."""
    if archive is not None:
        return parse(_file(Path(archive))), []
    try:
        return parse(StoreAdmin(source).iam_archive()), []
    except AdminRefusedError as exc:
        text = f"MinIO does not export its users and policies to {source.access_key!r} ({exc}): make them by hand."
        return Iam(), [Note(UNKNOWN, source.access_key, text)]


def _file(path: Path) -> bytes:
    try:
        if path.stat().st_mode & 0o077:
            raise InputError(f"archive: {path} can be read by others than its owner, write chmod 600 {path}.")
        return path.read_bytes()
    except OSError as exc:
        raise InputError(f"archive: {path} cannot be read ({exc.strerror}), write a file on the server.") from exc


def apply(plan: Plan, target: Store, dry_run: bool) -> Outcome:
    """Bring RustFS to the plan."""
    transport = BotocoreTransport(target.region, target.ca_certificate or True)
    client = IamClient(target.endpoint_url, target.access_key, target.secret_key, transport)
    return Applier(client, dry_run).apply(plan)


def run(params: dict[str, Any], dry_run: bool) -> tuple[dict[str, Any], Outcome]:
    """Read, decide and do; return the result and what it was made of."""
    source = store_of(params["source"], "source")
    target = store_of(params["target"], "target") if params["target"] else None
    if target is None and not dry_run:
        raise InputError("target: is left out, write the store to carry users and policies to.")
    iam, notes = read(source, params["archive"])
    plan = make(iam, Roots(source.access_key, target.access_key if target else "", frozenset(params["kept"])))
    outcome = apply(plan, target, dry_run) if target else Outcome()
    by_hand = [*notes, *plan.by_hand, *outcome.by_hand]
    limits = Limits()
    for note in by_hand:
        limits.add(note.code, note.text)
    result = {
        "changed": bool(outcome.actions),
        "actions": outcome.actions,
        "carried": [asdict(note) for note in outcome.carried],
        "by_hand": [asdict(note) for note in by_hand],
        "limits": [limit.as_result() for limit in limits.found()],
    }
    return result, outcome


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "source": {"type": "dict", "required": True, "options": STORE_OPTIONS},
            "target": {"type": "dict", "options": STORE_OPTIONS},
            "archive": {"type": "path"},
            "kept": {"type": "list", "elements": "str", "default": []},
        },
        supports_check_mode=True,
    )
    try:
        result, outcome = run(module.params, module.check_mode)
    except ImportError as exc:
        module.fail_json(msg=missing_required_lib("botocore"), exception=str(exc))
    except (InputError, RustfsError) as exc:
        module.fail_json(msg=str(exc))
    if module._diff:
        result["diff"] = {
            "before": json.dumps(outcome.before, indent=2, sort_keys=True) + "\n",
            "after": json.dumps(outcome.after, indent=2, sort_keys=True) + "\n",
        }
    module.exit_json(**result)


if __name__ == "__main__":
    main()
