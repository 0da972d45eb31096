# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bringing the settings of a bucket on RustFS to what is wanted."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.onprem.mlflow.plugins.module_utils.minio_iam_admin import AdminRefusedError, StoreAdmin
from ansible_collections.onprem.mlflow.plugins.module_utils.rustfs_policy import normalise
from ansible_collections.onprem.mlflow.plugins.module_utils.s3_bucket_settings import Wanted, plain
from ansible_collections.onprem.mlflow.plugins.module_utils.s3_inventory_settings import Settings, read
from ansible_collections.onprem.mlflow.plugins.module_utils.s3_store import error_code

DEFAULT_REGION = "us-east-1"


@dataclass
class Change:
    """What is done to one bucket, and how it looks before and after."""

    bucket: str
    actions: list[str] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)
    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)


class Buckets:
    """The buckets of the target."""

    def __init__(self, s3: Any, admin: StoreAdmin, region: str, dry_run: bool) -> None:
        """Keep the clients and whether to change anything."""
        self._s3 = s3
        self._admin = admin
        self._region = region
        self._dry_run = dry_run
        self._names = {bucket["Name"] for bucket in s3.list_buckets().get("Buckets", [])}

    def ensure(self, name: str, wanted: Wanted, only_make: bool) -> Change:
        """Make a bucket where it is missing, and unless told otherwise give it its settings."""
        change = Change(name)
        missing = name not in self._names
        if missing:
            self._do(change, "bucket made", None, "made", lambda: self._make(name, wanted))
        if only_make:
            return change
        # One that a dry run did not make has no settings to be asked for.
        absent = missing and self._dry_run
        found = Settings(object_lock=wanted.object_lock) if absent else read(self._s3, self._admin, name)
        self._versioning(name, found, wanted, change)
        self._retention(name, found, wanted, change)
        self._lifecycle(name, found, wanted, change)
        self._policy(name, found, wanted, change)
        self._tags(name, found, wanted, change)
        self._quota(name, found, wanted, change)
        self._cors(name, found, wanted, change)
        return change

    def _make(self, name: str, wanted: Wanted) -> None:
        place = (
            {}
            if self._region == DEFAULT_REGION
            else {"CreateBucketConfiguration": {"LocationConstraint": self._region}}
        )
        lock = {"ObjectLockEnabledForBucket": True} if wanted.object_lock else {}
        self._s3.create_bucket(Bucket=name, **place, **lock)

    def _do(self, change: Change, action: str, before: Any, after: Any, call: Callable[[], Any]) -> None:
        what = action.rpartition(" ")[0]
        try:
            if not self._dry_run:
                call()
        except self._s3.exceptions.ClientError as exc:
            code = error_code(exc.response)
            message = " ".join(str(exc.response.get("Error", {}).get("Message") or "").split())[:200]
            change.refused.append(
                ("refused_setting", f"RustFS refuses the {what} of {change.bucket!r} ({code} {message}).")
            )
            return
        except AdminRefusedError as exc:
            change.refused.append(("refused_setting", f"RustFS refuses the {what} of {change.bucket!r} ({exc})."))
            return
        change.actions.append(action)
        change.before[what], change.after[what] = before, after

    def _versioning(self, name: str, found: Settings, wanted: Wanted, change: Change) -> None:
        if wanted.versioning and wanted.versioning != found.versioning and not found.object_lock:
            state = {"Status": wanted.versioning}
            self._do(
                change,
                "versioning set",
                found.versioning,
                wanted.versioning,
                lambda: self._s3.put_bucket_versioning(Bucket=name, VersioningConfiguration=state),
            )

    def _retention(self, name: str, found: Settings, wanted: Wanted, change: Change) -> None:
        if not wanted.object_lock:
            return
        if not found.object_lock:
            text = f"The bucket {name!r} was made without object lock, which can be given only when it is made."
            change.refused.append(("object_lock", text))
            return
        if wanted.retention == found.retention:
            return
        rule = {"Rule": {"DefaultRetention": wanted.retention}} if wanted.retention else {}
        lock = {"ObjectLockEnabled": "Enabled", **rule}
        self._do(
            change,
            "default retention set",
            found.retention,
            wanted.retention,
            lambda: self._s3.put_object_lock_configuration(Bucket=name, ObjectLockConfiguration=lock),
        )

    def _lifecycle(self, name: str, found: Settings, wanted: Wanted, change: Change) -> None:
        before, after = plain(found.lifecycle), plain(wanted.lifecycle)
        if wanted.lifecycle and before != after:
            rules = {"Rules": wanted.lifecycle}
            self._do(
                change,
                "lifecycle set",
                before,
                after,
                lambda: self._s3.put_bucket_lifecycle_configuration(Bucket=name, LifecycleConfiguration=rules),
            )

    def _policy(self, name: str, found: Settings, wanted: Wanted, change: Change) -> None:
        before, after = _comparable(found.policy), _comparable(wanted.policy)
        if wanted.policy is not None and before != after:
            text = json.dumps(wanted.policy)
            self._do(change, "policy set", before, after, lambda: self._s3.put_bucket_policy(Bucket=name, Policy=text))

    def _tags(self, name: str, found: Settings, wanted: Wanted, change: Change) -> None:
        if wanted.tags and wanted.tags != found.tags:
            tags = {"TagSet": [{"Key": key, "Value": value} for key, value in sorted(wanted.tags.items())]}
            self._do(
                change,
                "tags set",
                found.tags,
                wanted.tags,
                lambda: self._s3.put_bucket_tagging(Bucket=name, Tagging=tags),
            )

    def _quota(self, name: str, found: Settings, wanted: Wanted, change: Change) -> None:
        if wanted.quota_bytes is not None and wanted.quota_bytes != found.quota_bytes:
            self._do(
                change,
                "quota set",
                found.quota_bytes,
                wanted.quota_bytes,
                lambda: self._admin.set_quota(name, wanted.quota_bytes),
            )

    def _cors(self, name: str, found: Settings, wanted: Wanted, change: Change) -> None:
        before, after = plain(found.cors), plain(wanted.cors)
        if wanted.cors and before != after:
            rules = {"CORSRules": wanted.cors}
            self._do(
                change,
                "CORS set",
                before,
                after,
                lambda: self._s3.put_bucket_cors(Bucket=name, CORSConfiguration=rules),
            )


def _comparable(policy: dict[str, Any] | None) -> list[str] | None:
    """Return a bucket's policy so that equal ones are equal; `normalise` knows no principals."""
    if policy is None:
        return None
    statements = policy.get("Statement") or []
    return sorted(
        json.dumps(
            {"Principal": _principal(item.get("Principal")), **normalise({"Statement": [item]})["Statement"][0]},
            sort_keys=True,
        )
        for item in statements
    )


def _principal(principal: Any) -> list[str]:
    values = principal.get("AWS", []) if isinstance(principal, dict) else principal
    return sorted(str(value) for value in (values if isinstance(values, list) else [values]))
