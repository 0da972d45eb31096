# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a bucket on RustFS keeps for how long, and how much: two rules of its lifecycle that are ours, and its quota."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.onprem.mlflow.plugins.module_utils.minio_iam_admin import StoreAdmin
from ansible_collections.onprem.mlflow.plugins.module_utils.s3_bucket_settings import plain
from ansible_collections.onprem.mlflow.plugins.module_utils.s3_store import error_code

NONCURRENT_RULE = "onprem-noncurrent-versions"
MULTIPART_RULE = "onprem-incomplete-uploads"

Rule = dict[str, Any]


@dataclass(frozen=True)
class Wanted:
    """Limits as they shall be: 0 for none, None where it is left as it is."""

    noncurrent_days: int | None = None
    abort_multipart_days: int | None = None
    quota_bytes: int | None = None


@dataclass
class Report:
    """What was done, or would be, and how it looks before and after."""

    actions: list[str] = field(default_factory=list)
    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)


def check_limits(values: Mapping[str, Any]) -> list[str]:
    """Complain about limits of the bucket that cannot be."""
    problems = [
        f"{name}: found {values[name]}, write a number from 0, where 0 means without limit."
        for name in ("bucket_noncurrent_days", "bucket_abort_multipart_days", "bucket_quota_gib")
        if name in values and float(values[name]) < 0
    ]
    if int(values.get("bucket_noncurrent_days") or 0) > 0 and not values.get("bucket_versioning"):
        problems.append(
            "bucket_noncurrent_days: is of no use without versions, write bucket_versioning: true, or remove it."
        )
    return problems


def rules_with(found: Sequence[Rule], wanted: Wanted) -> list[Rule]:
    """Return the rules of a lifecycle with ours as wanted; those of others stay."""
    rules = list(found)
    for name, days, action in (
        (
            NONCURRENT_RULE,
            wanted.noncurrent_days,
            {
                "NoncurrentVersionExpiration": {"NoncurrentDays": wanted.noncurrent_days},
                # What is left of an object whose last version has gone.
                "Expiration": {"ExpiredObjectDeleteMarker": True},
            },
        ),
        (
            MULTIPART_RULE,
            wanted.abort_multipart_days,
            {"AbortIncompleteMultipartUpload": {"DaysAfterInitiation": wanted.abort_multipart_days}},
        ),
    ):
        if days is not None:
            rules = [rule for rule in rules if rule.get("ID") != name]
        if days:
            rules.append({"ID": name, "Status": "Enabled", "Filter": {"Prefix": ""}, **action})
    return rules


def apply(s3: Any, admin: StoreAdmin, bucket: str, wanted: Wanted, dry_run: bool) -> Report:
    """Bring the lifecycle and the quota of a bucket to what is wanted; a dry run may have none to ask."""
    report = Report()
    missing = dry_run and bucket not in {item["Name"] for item in s3.list_buckets().get("Buckets", [])}
    found = [] if missing else _rules(s3, bucket)
    rules = rules_with(found, wanted)
    before, after = plain(list(found)), plain(rules)
    if before != after:
        report.actions.append("lifecycle set")
        report.before["lifecycle"], report.after["lifecycle"] = before, after
        if not dry_run:
            _set_rules(s3, bucket, rules)
    if wanted.quota_bytes is not None:
        quota = None if missing else admin.quota(bucket)[0]
        if (quota or 0) != wanted.quota_bytes:
            report.actions.append("quota set")
            report.before["quota"], report.after["quota"] = quota or 0, wanted.quota_bytes
            if not dry_run:
                admin.set_quota(bucket, wanted.quota_bytes)
    return report


def _rules(s3: Any, bucket: str) -> list[Rule]:
    try:
        return list(s3.get_bucket_lifecycle_configuration(Bucket=bucket).get("Rules") or [])
    except s3.exceptions.ClientError as exc:
        if error_code(exc.response) == "NoSuchLifecycleConfiguration":
            return []
        raise


def _set_rules(s3: Any, bucket: str, rules: list[Rule]) -> None:
    if rules:
        s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": rules})
    else:
        s3.delete_bucket_lifecycle(Bucket=bucket)
