# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What MinIO has and RustFS, or a copy of the latest versions, will not: by code, with a sentence and examples."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

EXAMPLES = 10
# As many of them are in the sentence.
SHOWN = 3

# What a code means, {bucket} and {count} filled in. What stands here is what an operator accepts by the code.
MEANINGS = {
    "old_versions": "Bucket {bucket}: {count} old versions of objects stay behind, the latest ones are copied.",
    "delete_markers": "Bucket {bucket}: {count} delete markers stay behind, what they hide is not copied.",
    "incomplete_uploads": "Bucket {bucket}: {count} uploads that were never completed stay behind.",
    "encrypted_objects": "Bucket {bucket}: {count} objects are kept encrypted by MinIO, and plainly by RustFS.",
    "customer_keys": "Bucket {bucket}: {count} objects are encrypted with keys of clients and cannot be read without.",
    "unknown_encryption": "Bucket {bucket}: the store does not tell which of {count} objects are encrypted.",
    "retention": "Bucket {bucket}: the retention of {count} objects is not carried over, they can be deleted then.",
    "legal_hold": "Bucket {bucket}: the legal hold of {count} objects is not carried over, they can be deleted then.",
    "tiered_objects": "Bucket {bucket}: {count} objects lie on a remote tier, reading them takes its time and money.",
    "storage_class": "Bucket {bucket}: {count} objects of a storage class of their own get RustFS's default one.",
    "key_length": "Bucket {bucket}: RustFS refuses {count} keys: above 1024 bytes, or above 255 between two slashes.",
    "key_line_break": "Bucket {bucket}: RustFS refuses {count} keys with a line break or a NUL.",
    "key_path": "Bucket {bucket}: RustFS refuses {count} keys that begin with a slash or have //, /./ or /../ in them.",
    "key_collision": "Bucket {bucket}: {count} keys are one and the same for RustFS.",
    "object_size": "Bucket {bucket}: {count} objects are above 5 TiB, which S3 does not take.",
    "bucket_name": "Bucket {bucket}: RustFS refuses the name, write another one as target_name.",
    "object_lock": "Bucket {bucket}: object lock is not carried over, the one on RustFS was made without.",
    "bucket_encryption": "Bucket {bucket}: its default encryption is not carried over, RustFS needs a master key.",
    "notifications": "Bucket {bucket}: {count} notifications are not carried over, their targets are MinIO's settings.",
    "replication": "Bucket {bucket}: its replication is not carried over, its targets are MinIO's settings.",
    "lifecycle": "Bucket {bucket}: {count} rules of its lifecycle are not carried over.",
    "quota": "Bucket {bucket}: its quota is of a kind that RustFS does not have, and is not carried over.",
    "unknown_quota": "Bucket {bucket}: the key may not read its quota, set it on RustFS by hand.",
    "unknown_setting": "Bucket {bucket}: {count} of its settings cannot be read with this key.",
    "refused_setting": "Bucket {bucket}: RustFS refuses {count} of its settings.",
    "unknown_users": "The key may not export MinIO's users and policies, make them on RustFS by hand.",
    "wildcard_actions": "{count} patterns of actions are written out: RustFS takes exact names only.",
    "policy_action": "{count} actions of policies are left out: RustFS does not have them, or they administer MinIO.",
    "policy_condition": "{count} conditions of policies are not RustFS's: what they allowed is left out.",
    "policy_resource": "{count} resources of policies are left out or written differently.",
    "policy_statement": "{count} statements of policies are left out.",
    "policy_source_ip": "{count} conditions ask for the client's address, which RustFS may see as the proxy's.",
    "policy_empty": "{count} policies are left out: nothing is left of them.",
    "policy_missing": "{count} policies are not attached to those who had them, since they are left out.",
    "user": "{count} users are not carried over.",
    "group": "{count} groups or members of groups are not carried over.",
    "service_account": "{count} access keys of users are not carried over.",
    "root_service_account": "{count} access keys of MinIO's administrator with all rights are not carried over.",
    "external_identity": "{count} users or groups come from LDAP or OpenID Connect and are not carried over.",
}


# Their examples are keys; those of the others are sentences.
OF_KEYS = frozenset(
    {
        "customer_keys",
        "delete_markers",
        "encrypted_objects",
        "incomplete_uploads",
        "key_collision",
        "key_length",
        "key_line_break",
        "key_path",
        "legal_hold",
        "object_size",
        "old_versions",
        "retention",
        "storage_class",
        "tiered_objects",
        "unknown_encryption",
    }
)


def shown(key: str) -> str:
    """Return a key for people, without characters that a terminal obeys, and not longer than 80."""
    text = "".join(mark if mark.isprintable() else mark.encode("unicode_escape").decode() for mark in key)
    return f"'{text}'" if len(text) <= 80 else f"'{text[:77]}...'"


@dataclass
class Limit:
    """Something that will not come along."""

    code: str
    bucket: str = ""
    count: int = 0
    examples: list[str] = field(default_factory=list)

    def add(self, example: str) -> None:
        """Count one more, and remember the first few."""
        self.count += 1
        if len(self.examples) < EXAMPLES:
            self.examples.append(example)

    @property
    def text(self) -> str:
        """Say it, with the first few examples."""
        text = MEANINGS[self.code].format(bucket=self.bucket, count=self.count)
        if self.bucket and not text.startswith("Bucket "):
            text = f"Bucket {self.bucket}: {text}"
        if self.code in OF_KEYS:
            return f"{text.rstrip('.')}, such as {', '.join(shown(key) for key in self.examples[:SHOWN])}."
        more = f" And {self.count - SHOWN} more." if self.count > SHOWN else ""
        return " ".join([text, *self.examples[:SHOWN]]) + more

    def as_result(self) -> dict[str, Any]:
        """Return it as a module's result has it."""
        return {**asdict(self), "text": self.text}


class Limits:
    """The limits of one bucket, or of no bucket in particular."""

    def __init__(self, bucket: str = "") -> None:
        """Begin without any."""
        self._bucket = bucket
        self._found: dict[str, Limit] = {}

    def add(self, code: str, example: str) -> None:
        """Count one example of a code."""
        self._found.setdefault(code, Limit(code, self._bucket)).add(example)

    def found(self) -> list[Limit]:
        """Return them by code."""
        return [self._found[code] for code in sorted(self._found)]
