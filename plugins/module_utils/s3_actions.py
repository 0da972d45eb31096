# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The names of S3 actions: those that RustFS knows, those of MinIO, and what a pattern of MinIO's stands for."""

from __future__ import annotations

import re
from functools import lru_cache

ALL_ACTIONS = "s3:*"

# Every exact name that RustFS 1.0.1 takes; anything else, patterns included, makes it refuse the whole policy.
RUSTFS_ACTIONS = (
    "s3:AbortMultipartUpload",
    "s3:BypassGovernanceRetention",
    "s3:CreateBucket",
    "s3:DeleteBucket",
    "s3:DeleteBucketCors",
    "s3:DeleteBucketPolicy",
    "s3:DeleteBucketPublicAccessBlock",
    "s3:DeleteObject",
    "s3:DeleteObjectTagging",
    "s3:DeleteObjectVersion",
    "s3:DeleteObjectVersionTagging",
    "s3:ForceDeleteBucket",
    "s3:ForceDeleteObject",
    "s3:GetBucketAcl",
    "s3:GetBucketCors",
    "s3:GetBucketEncryption",
    "s3:GetBucketLifecycle",
    "s3:GetBucketLocation",
    "s3:GetBucketLogging",
    "s3:GetBucketNotification",
    "s3:GetBucketObjectLockConfiguration",
    "s3:GetBucketPolicy",
    "s3:GetBucketPolicyStatus",
    "s3:GetBucketPublicAccessBlock",
    "s3:GetBucketQuota",
    "s3:GetBucketTagging",
    "s3:GetBucketVersioning",
    "s3:GetObject",
    "s3:GetObjectAcl",
    "s3:GetObjectAttributes",
    "s3:GetObjectLegalHold",
    "s3:GetObjectRetention",
    "s3:GetObjectTagging",
    "s3:GetObjectVersion",
    "s3:GetObjectVersionAttributes",
    "s3:GetObjectVersionForReplication",
    "s3:GetObjectVersionTagging",
    "s3:GetReplicationConfiguration",
    "s3:HeadBucket",
    "s3:ListAllMyBuckets",
    "s3:ListBucket",
    "s3:ListBucketMultipartUploads",
    "s3:ListBucketVersions",
    "s3:ListMultipartUploadParts",
    "s3:ListenBucketNotification",
    "s3:ListenNotification",
    "s3:PutBucketAcl",
    "s3:PutBucketCors",
    "s3:PutBucketEncryption",
    "s3:PutBucketLifecycle",
    "s3:PutBucketLogging",
    "s3:PutBucketNotification",
    "s3:PutBucketObjectLockConfiguration",
    "s3:PutBucketPolicy",
    "s3:PutBucketPublicAccessBlock",
    "s3:PutBucketTagging",
    "s3:PutBucketVersioning",
    "s3:PutObject",
    "s3:PutObjectAcl",
    "s3:PutObjectFanOut",
    "s3:PutObjectLegalHold",
    "s3:PutObjectRetention",
    "s3:PutObjectTagging",
    "s3:PutObjectVersionTagging",
    "s3:PutReplicationConfiguration",
    "s3:ReplicateDelete",
    "s3:ReplicateObject",
    "s3:ReplicateTags",
    "s3:ResetBucketReplicationState",
    "s3:RestoreObject",
)

# What MinIO calls otherwise.
RENAMED = {
    "s3:GetEncryptionConfiguration": "s3:GetBucketEncryption",
    "s3:GetLifecycleConfiguration": "s3:GetBucketLifecycle",
    "s3:PutEncryptionConfiguration": "s3:PutBucketEncryption",
    "s3:PutLifecycleConfiguration": "s3:PutBucketLifecycle",
}

# Actions that MinIO does not have: no pattern of MinIO's ever gave them.
RUSTFS_ONLY = (
    "s3:DeleteBucketPublicAccessBlock",
    "s3:ForceDeleteObject",
    "s3:GetBucketAcl",
    "s3:GetBucketLogging",
    "s3:GetBucketPublicAccessBlock",
    "s3:GetBucketQuota",
    "s3:GetObjectAcl",
    "s3:PutBucketAcl",
    "s3:PutBucketLogging",
    "s3:PutBucketPublicAccessBlock",
    "s3:PutObjectAcl",
)

# MinIO guards these deeds by the action on the left: who is denied it there is denied them here.
DENIED_WITH = {
    "s3:DeleteBucketPolicy": ("s3:DeleteBucketPublicAccessBlock",),
    "s3:DeleteObject": ("s3:ForceDeleteObject",),
    "s3:GetBucketPolicy": ("s3:GetBucketAcl", "s3:GetBucketPublicAccessBlock", "s3:GetObjectAcl"),
    "s3:PutBucketPolicy": (
        "s3:DeleteBucketPublicAccessBlock",
        "s3:PutBucketAcl",
        "s3:PutBucketPublicAccessBlock",
        "s3:PutObjectAcl",
    ),
}

# Every exact name that MinIO takes, with the name that RustFS has for it.
MINIO_ACTIONS = {
    **{action: action for action in RUSTFS_ACTIONS if action not in RUSTFS_ONLY and action not in RENAMED.values()},
    **RENAMED,
}


def is_pattern(action: str) -> bool:
    """Tell whether an action is written with wildcards."""
    return "*" in action or "?" in action


def granted(pattern: str) -> tuple[str, ...]:
    """Return RustFS's names of what MinIO lets be done where *pattern* is allowed, and nothing else."""
    if pattern in ("*", ALL_ACTIONS):
        return (ALL_ACTIONS,)
    return tuple(sorted({name for action, name in MINIO_ACTIONS.items() if _matcher(pattern).fullmatch(action)}))


def denied(pattern: str) -> tuple[str, ...]:
    """Return RustFS's names of all that has to be refused where MinIO refuses *pattern*, rather one too many."""
    if pattern in ("*", ALL_ACTIONS):
        return (ALL_ACTIONS,)
    matcher = _matcher(pattern)
    names = {action for action in RUSTFS_ACTIONS if matcher.fullmatch(action)}
    for action, name in MINIO_ACTIONS.items():
        if matcher.fullmatch(action):
            names |= {name, *DENIED_WITH.get(action, ())}
    return tuple(sorted(names))


@lru_cache(maxsize=1024)
def _matcher(pattern: str) -> re.Pattern[str]:
    """Compile a pattern of MinIO's: * stands for any characters, ? for one."""
    return re.compile(
        "".join({"*": ".*", "?": "."}.get(part, re.escape(part)) for part in re.split(r"([*?])", pattern))
    )
