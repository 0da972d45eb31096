# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Policy documents for RustFS: made, checked and compared."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError
from ansible_collections.onprem.mlflow.plugins.module_utils.s3_store import BUCKET_NAME

VERSION = "2012-10-17"
ALL_ACTIONS = "s3:*"
S3_ARN = "arn:aws:s3:::"
STATEMENT_KEYS = ("Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition")

# What MLflow's artifact store does in its bucket, by exact name: RustFS refuses patterns such as s3:Get*.
BUCKET_ACTIONS = ("s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads")
OBJECT_ACTIONS = (
    "s3:AbortMultipartUpload",
    "s3:DeleteObject",
    "s3:GetObject",
    "s3:ListMultipartUploadParts",
    "s3:PutObject",
)

_ACTION = re.compile(r"[a-z0-9]+:[A-Za-z0-9]+")


def bucket_policy(bucket: object, prefix: str | None = None) -> dict[str, Any]:
    """Return the policy that lets a key work in one bucket, or under one prefix of it, and nowhere else."""
    if not isinstance(bucket, str) or not BUCKET_NAME.fullmatch(bucket) or ".." in bucket:
        raise InputError(
            f"{bucket!r} is not a bucket's name, write 3 to 63 lower-case letters, digits, dots and hyphens"
            " that begin and end with a letter or a digit."
        )
    folder = (prefix or "").strip("/")
    if any(character in folder for character in "*?$"):
        raise InputError(f"The prefix {prefix!r} holds one of * ? $, which a policy would expand, write one without.")
    bucket_arn = f"{S3_ARN}{bucket}"
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


def check_policy(policy: object) -> None:
    """Raise InputError where RustFS would refuse a policy, or a whole import because of it."""
    if not isinstance(policy, Mapping):
        raise InputError(f"policy: found a {type(policy).__name__}, write a document with Version and Statement.")
    if policy.get("Version") != VERSION:
        raise InputError(f"policy: its Version is {policy.get('Version')!r}, write '{VERSION}'.")
    unknown = sorted(str(key) for key in policy if key not in ("ID", "Version", "Statement"))
    if unknown:
        raise InputError(f"policy: {unknown[0]} is no part of a policy, write Version and Statement only.")
    statements = policy.get("Statement")
    if not isinstance(statements, list) or not statements:
        raise InputError("policy: its Statement is empty or no list, write at least one statement.")
    for number, statement in enumerate(statements, start=1):
        _check_statement(f"policy: statement {number}", statement)


def _check_statement(place: str, statement: object) -> None:
    if not isinstance(statement, Mapping):
        raise InputError(f"{place} is a {type(statement).__name__}, write keys with values.")
    unknown = sorted(str(key) for key in statement if key not in STATEMENT_KEYS)
    if unknown:
        raise InputError(f"{place} has {unknown[0]}, write only {', '.join(STATEMENT_KEYS)}.")
    if statement.get("Effect") not in ("Allow", "Deny"):
        raise InputError(f"{place} has the Effect {statement.get('Effect')!r}, write Allow or Deny.")
    for one, other in (("Action", "NotAction"), ("Resource", "NotResource")):
        if bool(statement.get(one)) == bool(statement.get(other)):
            raise InputError(f"{place} must have either {one} or {other}, write one of them.")
    for action in _strings(statement.get("Action")) + _strings(statement.get("NotAction")):
        if action != ALL_ACTIONS and not _ACTION.fullmatch(action):
            raise InputError(f"{place} has the action {action!r}, write exact names, or {ALL_ACTIONS} for all.")
    for resource in _strings(statement.get("Resource")) + _strings(statement.get("NotResource")):
        if not resource.startswith(S3_ARN) or resource == S3_ARN:
            raise InputError(f"{place} has the resource {resource!r}, write one that begins with {S3_ARN}.")


def normalise(policy: Mapping[str, Any]) -> dict[str, Any]:
    """Bring a policy into a form in which equal ones are equal: RustFS reorders lists and unpacks single values."""
    statements = {json.dumps(_normalise_statement(item), sort_keys=True) for item in policy.get("Statement") or []}
    result: dict[str, Any] = {
        "Version": policy.get("Version") or "",
        "Statement": [json.loads(item) for item in sorted(statements)],
    }
    if policy.get("ID"):
        result["ID"] = str(policy["ID"])
    return result


def _normalise_statement(statement: Mapping[str, Any]) -> dict[str, Any]:
    result: dict[str, Any] = {"Effect": statement.get("Effect")}
    if statement.get("Sid"):
        result["Sid"] = str(statement["Sid"])
    for key in ("Action", "NotAction", "Resource", "NotResource"):
        values = _strings(statement.get(key))
        if values:
            result[key] = sorted(set(values))
    conditions = {
        str(operator): {str(key): sorted(set(_strings(values))) for key, values in tests.items()}
        for operator, tests in (statement.get("Condition") or {}).items()
    }
    if conditions:
        result["Condition"] = conditions
    return result


def _strings(value: object) -> list[str]:
    if value is None:
        return []
    values = value if isinstance(value, (list, tuple)) else [value]
    return [str(item).lower() if isinstance(item, bool) else str(item) for item in values]
