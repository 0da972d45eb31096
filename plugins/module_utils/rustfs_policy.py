# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Policy documents for RustFS: made, checked and compared."""

from __future__ import annotations

import re
from typing import Any

from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError

VERSION = "2012-10-17"

# What MLflow's artifact store does in its bucket, by exact name: RustFS refuses patterns such as s3:Get*.
BUCKET_ACTIONS = ("s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads")
OBJECT_ACTIONS = (
    "s3:AbortMultipartUpload",
    "s3:DeleteObject",
    "s3:GetObject",
    "s3:ListMultipartUploadParts",
    "s3:PutObject",
)

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")


def bucket_policy(bucket: object, prefix: str | None = None) -> dict[str, Any]:
    """Return the policy that lets a key work in one bucket, or under one prefix of it, and nowhere else."""
    if not isinstance(bucket, str) or not _BUCKET.fullmatch(bucket) or ".." in bucket:
        raise InputError(
            f"{bucket!r} is not a bucket's name, write 3 to 63 lower-case letters, digits, dots and hyphens"
            " that begin and end with a letter or a digit."
        )
    folder = (prefix or "").strip("/")
    if any(character in folder for character in "*?$"):
        raise InputError(f"The prefix {prefix!r} holds one of * ? $, which a policy would expand, write one without.")
    bucket_arn = f"arn:aws:s3:::{bucket}"
    whole_bucket: dict[str, Any] = {"Effect": "Allow", "Action": list(BUCKET_ACTIONS), "Resource": [bucket_arn]}
    objects = {
        "Effect": "Allow",
        "Action": list(OBJECT_ACTIONS),
        "Resource": [f"{bucket_arn}/{folder}/*" if folder else f"{bucket_arn}/*"],
    }
    if not folder:
        return {"Version": VERSION, "Statement": [whole_bucket, objects]}
    location = {**whole_bucket, "Action": ["s3:GetBucketLocation"]}
    listing = {
        **whole_bucket,
        "Action": [action for action in BUCKET_ACTIONS if action.startswith("s3:List")],
        "Condition": {"StringLike": {"s3:prefix": [folder, f"{folder}/*"]}},
    }
    return {"Version": VERSION, "Statement": [location, listing, objects]}
