# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a bucket on RustFS is to have of the settings of one on MinIO."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.onprem.mlflow.plugins.module_utils.minio_iam_policy import rewrite
from ansible_collections.onprem.mlflow.plugins.module_utils.rustfs_policy import S3_ARN
from ansible_collections.onprem.mlflow.plugins.module_utils.s3_inventory_keys import bucket_refused
from ansible_collections.onprem.mlflow.plugins.module_utils.s3_inventory_settings import Portable, Settings

# What a rule of a lifecycle can do on RustFS without a remote tier.
RULE_ACTIONS = ("Expiration", "NoncurrentVersionExpiration", "AbortIncompleteMultipartUpload")
TRANSITIONS = ("Transitions", "Transition", "NoncurrentVersionTransitions", "NoncurrentVersionTransition")
QUOTA_KINDS = ("", "hard")


@dataclass
class Wanted(Portable):
    """Settings of the bucket on RustFS, and (code, sentence) for each that is missing or differs."""

    notes: list[tuple[str, str]] = field(default_factory=list)


def want(found: Settings, bucket: str, target: str) -> Wanted:
    """Decide what RustFS is to have; `bucket` and `target` are the names on both sides."""
    wanted = Wanted(
        versioning=found.versioning,
        object_lock=found.object_lock,
        retention=found.retention,
        tags=dict(found.tags),
        cors=list(found.cors),
    )
    notes = wanted.notes
    if bucket_refused(target):
        notes.append(("bucket_name", f"RustFS refuses {target!r} as the name of a bucket."))
    for number, rule in enumerate(found.lifecycle, start=1):
        kept = _rule(rule)
        name = rule.get("ID") or str(number)
        if kept is None:
            notes.append(("lifecycle", f"The rule {name} of {bucket!r} does nothing that RustFS can do."))
            continue
        if len(kept) != len(rule):
            notes.append(("lifecycle", f"The rule {name} of {bucket!r} is without its transition to another tier."))
        wanted.lifecycle.append(kept)
    if found.policy is not None:
        rewritten = rewrite(_renamed(found.policy, bucket, target))
        notes += [(loss.code, f"The policy of {bucket!r}, {loss.text}") for loss in rewritten.losses]
        wanted.policy = rewritten.policy
        if wanted.policy is None:
            notes.append(("policy_empty", f"The policy of {bucket!r} is left out: nothing is left of it."))
    if found.quota_kind in QUOTA_KINDS:
        wanted.quota_bytes = found.quota_bytes
    elif found.quota_bytes is not None:
        notes.append(
            ("quota", f"The quota of {bucket!r} is of the kind {found.quota_kind}, which RustFS does not have.")
        )
    if found.encryption:
        notes.append(("bucket_encryption", f"The default encryption of {bucket!r} is left out."))
    if found.notifications:
        notes += [
            ("notifications", f"Notification {number} of {bucket!r}.") for number in range(1, found.notifications + 1)
        ]
    if found.replication:
        notes.append(("replication", f"The replication of {bucket!r}."))
    for name in found.unknown:
        code = "unknown_quota" if name == "quota" else "unknown_setting"
        notes.append((code, f"The {name} of {bucket!r} cannot be read with this key: look at it by hand."))
    return wanted


def _rule(rule: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return a rule of a lifecycle without transitions, None where nothing is left to do."""
    kept = {key: value for key, value in rule.items() if key not in TRANSITIONS and value != []}
    return kept if any(kept.get(action) for action in RULE_ACTIONS) else None


def _renamed(policy: Mapping[str, Any], bucket: str, target: str) -> dict[str, Any]:
    """Return a policy whose resources name the bucket as it is called on RustFS."""
    if bucket == target:
        return dict(policy)
    old, new = f"{S3_ARN}{bucket}", f"{S3_ARN}{target}"

    def renamed(resource: str) -> str:
        return new + resource[len(old) :] if resource == old or resource.startswith(f"{old}/") else resource

    statements = []
    for statement in policy.get("Statement") or []:
        changed = dict(statement)
        for key in ("Resource", "NotResource"):
            if key in changed:
                values = changed[key] if isinstance(changed[key], list) else [changed[key]]
                changed[key] = [renamed(str(value)) for value in values]
        statements.append(changed)
    return {**policy, "Statement": statements}


def plain(rules: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return rules of a lifecycle or of CORS in a form in which equal ones are equal."""
    return sorted((_plain(rule) for rule in rules), key=repr)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        cleaned = {key: _plain(item) for key, item in value.items()}
        # Stores differ in whether they tell what is empty; a filter for the prefix '' is none.
        return {key: cleaned[key] for key in sorted(cleaned) if cleaned[key] not in (None, "", [], {}, 0, False)}
    if isinstance(value, list):
        return sorted((_plain(item) for item in value), key=repr)
    return value.isoformat() if hasattr(value, "isoformat") else value
