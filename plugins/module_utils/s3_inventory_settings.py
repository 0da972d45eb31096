# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The settings of a bucket as a store tells them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.onprem.mlflow.plugins.module_utils.minio_iam_admin import AdminRefusedError, StoreAdmin
from ansible_collections.onprem.mlflow.plugins.module_utils.s3_store import error_code

# What stores answer where a setting was never made, or is not theirs.
UNSET = frozenset(
    {
        "NoSuchBucketPolicy",
        "NoSuchCORSConfiguration",
        "NoSuchLifecycleConfiguration",
        "NoSuchTagSet",
        "NoSuchTagSetError",
        "NotImplemented",
        "MethodNotAllowed",
        "ObjectLockConfigurationNotFoundError",
        "ReplicationConfigurationNotFoundError",
        "ServerSideEncryptionConfigurationNotFoundError",
    }
)
REFUSED = frozenset({"AccessDenied", "AllAccessDisabled", "403"})


@dataclass
class Portable:
    """What a bucket can have on MinIO and on RustFS alike."""

    versioning: str = ""
    object_lock: bool = False
    retention: dict[str, Any] | None = None
    lifecycle: list[dict[str, Any]] = field(default_factory=list)
    policy: dict[str, Any] | None = None
    tags: dict[str, str] = field(default_factory=dict)
    quota_bytes: int | None = None
    cors: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class Settings(Portable):
    """What is set on a bucket; names of what the key may not read are in unknown."""

    quota_kind: str = ""
    encryption: list[dict[str, Any]] = field(default_factory=list)
    notifications: int = 0
    replication: bool = False
    unknown: list[str] = field(default_factory=list)


def read(client: Any, admin: StoreAdmin | None, bucket: str) -> Settings:
    """Ask for everything that can be set on a bucket."""
    found = Settings()

    def ask(name: str, call: Callable[..., dict[str, Any]]) -> dict[str, Any]:
        try:
            return call(Bucket=bucket)
        except client.exceptions.ClientError as exc:
            code = error_code(exc.response)
            if code in UNSET:
                return {}
            if code in REFUSED:
                found.unknown.append(name)
                return {}
            raise

    found.versioning = str(ask("versioning", client.get_bucket_versioning).get("Status") or "")
    lock = ask("object lock", client.get_object_lock_configuration).get("ObjectLockConfiguration") or {}
    found.object_lock = lock.get("ObjectLockEnabled") == "Enabled"
    found.retention = (lock.get("Rule") or {}).get("DefaultRetention")
    found.lifecycle = ask("lifecycle", client.get_bucket_lifecycle_configuration).get("Rules") or []
    policy = ask("policy", client.get_bucket_policy).get("Policy")
    found.policy = json.loads(policy) if policy else None
    tags = ask("tags", client.get_bucket_tagging).get("TagSet") or []
    found.tags = {tag["Key"]: tag["Value"] for tag in tags}
    found.cors = ask("CORS", client.get_bucket_cors).get("CORSRules") or []
    encryption = ask("encryption", client.get_bucket_encryption).get("ServerSideEncryptionConfiguration") or {}
    found.encryption = encryption.get("Rules") or []
    notifications = ask("notifications", client.get_bucket_notification_configuration)
    found.notifications = sum(len(value) for key, value in notifications.items() if key.endswith("Configurations"))
    found.replication = bool(ask("replication", client.get_bucket_replication).get("ReplicationConfiguration"))
    if admin is not None:
        try:
            found.quota_bytes, found.quota_kind = admin.quota(bucket)
        except AdminRefusedError as exc:
            # Older servers answer that there is none.
            if not str(exc).endswith("XMinioAdminNoSuchQuotaConfiguration"):
                found.unknown.append("quota")
    return found
